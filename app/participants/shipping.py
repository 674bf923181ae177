"""Shipping: what one command, or the end of one call, does to an order's shipment, by `app.domain.shipment`."""

from __future__ import annotations

from typing import Any, Final

from app import topics
from app.delivery import ConsumerRecord, Effects, Headers, Refused, Rows, Send, traceparent_in
from app.domain import outside
from app.domain.shipment import RULES, ShipmentDecision, ShipmentWant
from app.domain.value import replace
from app.participants.ends import Ended
from app.participants.reading import read
from app.tracing.context import headers_of
from schemas.codec import encode, remade
from schemas.commands import BookShipment, CallOffShipment, ForgetShipment
from schemas.replies import SHIPMENT_REPLIES
from schemas.rows import ShipmentRow

WANTS: Final = {BookShipment: ShipmentWant.BOOK, CallOffShipment: ShipmentWant.CALL_OFF}


def decide(rows: Rows, record: ConsumerRecord, carrier: str) -> Effects:
    """What one command does to its shipment; one that names no carrier is made with `carrier`. Raises `Refused`."""
    command = read(topics.read_shipment_command, record, "order_id")
    row: ShipmentRow | None = rows.get(command.order_id)
    if isinstance(command, ForgetShipment):
        return _order_is_over(row, record)
    if row is not None and record.timestamp <= row.finished_at_ms:
        return Effects()  # read again, after its order has said farewell: that needs no answer, and may be gone
    booking = command if isinstance(command, BookShipment) else None
    by = (booking.carrier if booking else None) or carrier
    before = row.shipment if row else None
    decision = outside.decide(RULES, before, WANTS[type(command)], command.order_id, by)
    if decision.errand is None:
        raise Refused("no shipment of this order can be asked for this")
    if row is None:
        row = ShipmentRow(
            shipment=decision.errand,
            items=booking.items if booking else (),
            updated_at_ms=record.timestamp,
            opened_at=record.offset,
            address=booking.address if booking else None,
        )
    trace = traceparent_in(record.headers) or row.trace
    return _effects(row, decision, record.timestamp, {"trace": trace})


def _order_is_over(row: ShipmentRow | None, record: ConsumerRecord) -> Effects:
    """Notes it in the row, which then leaves by itself."""
    if row is None or row.finished_at_ms:
        return Effects()
    shipment = replace(row.shipment, version=row.shipment.version + 1)
    return Effects(((shipment.order_id, remade(ShipmentRow, row, shipment=shipment, finished_at_ms=record.timestamp)),))


def settle(rows: Rows, key: str, ended: Ended) -> Effects:
    """What the end of the call under way does to the shipment."""
    row: ShipmentRow = rows[key]
    decision = outside.settle(RULES, row.shipment, ended.ok)
    told = {"tracking_number": ended.reference or row.tracking_number, "reason": ended.reason}
    return _effects(row, decision, ended.at_ms, told, headers_of(ended.trace))


def _effects(
    row: ShipmentRow, decision: ShipmentDecision, at_ms: int, told: dict[str, Any], headers: Headers = ()
) -> Effects:
    if decision.changed:
        row = remade(ShipmentRow, row, **told, shipment=decision.errand, updated_at_ms=at_ms)
    order_id = row.shipment.order_id
    sends = []
    if decision.answer is not None:
        reply = SHIPMENT_REPLIES[decision.answer](
            order_id, carrier=row.shipment.at, tracking_number=row.tracking_number, reason=row.reason
        )
        sends.append(Send(topics.ORDERS, order_id.encode(), encode(reply), headers))
    return Effects(((order_id, row),) if decision.changed else (), sends)
