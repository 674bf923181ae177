"""Shipping: one order's shipment, by `app.domain.shipment`. The carrier is called beside the stream."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

from agents.reading import read
from app import topics
from app.delivery import ConsumerRecord, Effects, Participant, Refused, Rows, Send
from app.domain import outside
from app.domain.shipment import RULES, ShipmentDecision, ShipmentWant
from app.main import app, settings
from app.wiring import Consignment, Settled, carrier, consign
from schemas.codec import encode, remade
from schemas.commands import BookShipment, CallOffShipment
from schemas.replies import SHIPMENT_REPLIES
from schemas.rows import ShipmentRow
from tables import shipments as table

WANTS: Final = {BookShipment: ShipmentWant.BOOK, CallOffShipment: ShipmentWant.CALL_OFF}


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """What one command does to its shipment. Raises `Refused`."""
    command = read(topics.read_shipment_command, record, "order_id")
    row: ShipmentRow | None = rows.get(command.order_id)
    booking = command if isinstance(command, BookShipment) else None
    by = (booking.carrier if booking else None) or carrier().name
    before = row.shipment if row else None
    decision = outside.decide(RULES, before, WANTS[type(command)], command.order_id, by)
    if decision.errand is None:
        raise Refused("no shipment of this order can be asked for this")
    if row is None:
        row = ShipmentRow(
            shipment=decision.errand,
            items=booking.items if booking else (),
            updated_at_ms=record.timestamp,
            address=booking.address if booking else None,
        )
    return _effects(row, decision, record.timestamp, {})


class Answer(NamedTuple):
    """How a call ended, and when, in milliseconds since 1970."""

    settled: Settled
    at_ms: int


class CarrierCalls:
    """The calls that shipments are waiting for; which they are stands in their rows."""

    limit = settings.carrier_calls

    def due(self, key: str, row: ShipmentRow) -> Consignment | None:
        """The operation under way."""
        pending = row.shipment.pending
        if pending is None:
            return None
        return Consignment(pending.key, pending.operation, key, pending.at, row.items, row.address or {})

    async def perform(self, _key: str, intent: Consignment) -> Answer:
        """Make the call until its outcome is known."""
        settled = await consign(intent)
        return Answer(settled, int(time.time() * 1000))

    def settle(self, rows: Rows, key: str, answer: Answer) -> Effects:
        """What the outcome does to the shipment."""
        row: ShipmentRow = rows[key]
        verdict = answer.settled.verdict
        decision = outside.settle(RULES, row.shipment, verdict.ok)
        told = {"tracking_number": verdict.reference or row.tracking_number, "reason": verdict.reason}
        return _effects(row, decision, answer.at_ms, told)


def _effects(row: ShipmentRow, decision: ShipmentDecision, at_ms: int, told: dict[str, Any]) -> Effects:
    if decision.changed:
        row = remade(ShipmentRow, row, **told, shipment=decision.errand, updated_at_ms=at_ms)
    order_id = row.shipment.order_id
    sends = []
    if decision.answer is not None:
        reply = SHIPMENT_REPLIES[decision.answer](
            order_id, carrier=row.shipment.at, tracking_number=row.tracking_number, reason=row.reason
        )
        sends.append(Send(topics.ORDERS, order_id.encode(), encode(reply)))
    return Effects(((order_id, row),) if decision.changed else (), sends)


participant = Participant(app, topics.SHIPPING, table, decide, park=topics.park, calls=CarrierCalls())


@app.agent(topics.shipping, name="shipping")
async def shipping(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
