"""Payments: what one command, or the end of one call, does to an order's money, by `app.domain.payment`."""

from __future__ import annotations

from typing import Any, Final

from app import topics
from app.delivery import ConsumerRecord, Effects, Headers, Refused, Rows, Send, traceparent_in
from app.domain import outside
from app.domain.payment import RULES, PaymentDecision, PaymentWant
from app.domain.value import replace
from app.participants.ends import Ended
from app.participants.reading import read
from app.tracing.context import headers_of
from schemas.codec import encode, remade
from schemas.commands import AuthorizePayment, CapturePayment, ForgetPayment, ReversePayment
from schemas.replies import PAYMENT_REPLIES
from schemas.rows import PaymentRow

WANTS: Final = {
    AuthorizePayment: PaymentWant.AUTHORIZE,
    CapturePayment: PaymentWant.CAPTURE,
    ReversePayment: PaymentWant.REVERSE,
}


def decide(rows: Rows, record: ConsumerRecord, gateway: str) -> Effects:
    """What one command does to its payment; a new one is made at `gateway`. Raises `Refused`."""
    command = read(topics.read_payment_command, record, "order_id")
    row: PaymentRow | None = rows.get(command.order_id)
    if isinstance(command, ForgetPayment):
        return _order_is_over(row, record)
    if row is not None and record.timestamp <= row.finished_at_ms:
        return Effects()  # read again, after its order has said farewell: that needs no answer, and may be gone
    before = row.payment if row else None
    decision = outside.decide(RULES, before, WANTS[type(command)], command.order_id, gateway)
    if decision.errand is None:
        raise Refused("nothing was authorised for this order")
    if row is None:
        asked = isinstance(command, AuthorizePayment)
        row = PaymentRow(
            payment=decision.errand,
            amount_minor=command.amount_minor if asked else 0,
            currency=command.currency if asked else "",
            updated_at_ms=record.timestamp,
            opened_at=record.offset,
            method=command.method if asked else None,
        )
    trace = traceparent_in(record.headers) or row.trace
    return _effects(row, decision, record.timestamp, {"trace": trace})


def _order_is_over(row: PaymentRow | None, record: ConsumerRecord) -> Effects:
    """Notes it in the row, which then leaves by itself."""
    if row is None or row.finished_at_ms:
        return Effects()
    payment = replace(row.payment, version=row.payment.version + 1)
    return Effects(((payment.order_id, remade(PaymentRow, row, payment=payment, finished_at_ms=record.timestamp)),))


def settle(rows: Rows, key: str, ended: Ended) -> Effects:
    """What the end of the call under way does to the payment."""
    row: PaymentRow = rows[key]
    decision = outside.settle(RULES, row.payment, ended.ok)
    told = {
        "reference": ended.reference or row.reference,
        "reason": ended.reason,
        "attempts": row.attempts + ended.attempts,
    }
    return _effects(row, decision, ended.at_ms, told, headers_of(ended.trace))


def _effects(
    row: PaymentRow, decision: PaymentDecision, at_ms: int, told: dict[str, Any], headers: Headers = ()
) -> Effects:
    if decision.changed:
        row = remade(PaymentRow, row, **told, payment=decision.errand, updated_at_ms=at_ms)
    order_id = row.payment.order_id
    sends = []
    if decision.answer is not None:
        reply = PAYMENT_REPLIES[decision.answer](
            order_id, gateway=row.payment.at, reference=row.reference, attempts=row.attempts, reason=row.reason
        )
        sends.append(Send(topics.ORDERS, order_id.encode(), encode(reply), headers))
    return Effects(((order_id, row),) if decision.changed else (), sends)
