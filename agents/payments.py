"""Payments: one order's money, by `app.domain.payment`. The gateway is called beside the stream."""

from __future__ import annotations

import time
from typing import Any, Final, NamedTuple

from agents.reading import read
from app import topics
from app.delivery import ConsumerRecord, Effects, Participant, Refused, Rows, Send
from app.domain import outside
from app.domain.payment import RULES, PaymentDecision, PaymentWant
from app.main import app, settings
from app.wiring import Charge, Settled, charge, gateway
from schemas.codec import encode, remade
from schemas.commands import AuthorizePayment, CapturePayment, ReversePayment
from schemas.replies import PAYMENT_REPLIES
from schemas.rows import PaymentRow
from tables import payments as table

WANTS: Final = {
    AuthorizePayment: PaymentWant.AUTHORIZE,
    CapturePayment: PaymentWant.CAPTURE,
    ReversePayment: PaymentWant.REVERSE,
}


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """What one command does to its payment. Raises `Refused`."""
    command = read(topics.read_payment_command, record, "order_id")
    row: PaymentRow | None = rows.get(command.order_id)
    before = row.payment if row else None
    decision = outside.decide(RULES, before, WANTS[type(command)], command.order_id, gateway().name)
    if decision.errand is None:
        raise Refused("nothing was authorised for this order")
    if row is None:
        asked = isinstance(command, AuthorizePayment)
        row = PaymentRow(
            payment=decision.errand,
            amount_minor=command.amount_minor if asked else 0,
            currency=command.currency if asked else "",
            updated_at_ms=record.timestamp,
            method=command.method if asked else None,
        )
    return _effects(row, decision, record.timestamp, {})


class Answer(NamedTuple):
    """How a call ended, and when, in milliseconds since 1970."""

    settled: Settled
    at_ms: int


class GatewayCalls:
    """The calls that payments are waiting for; which they are stands in their rows."""

    limit = settings.gateway_calls

    def due(self, key: str, row: PaymentRow) -> Charge | None:
        """The operation under way."""
        pending = row.payment.pending
        if pending is None:
            return None
        return Charge(
            pending.key, pending.operation, key, row.amount_minor, row.currency, row.method or "", row.reference
        )

    async def perform(self, _key: str, intent: Charge) -> Answer:
        """Make the call until its outcome is known."""
        settled = await charge(intent)
        return Answer(settled, int(time.time() * 1000))

    def settle(self, rows: Rows, key: str, answer: Answer) -> Effects:
        """What the outcome does to the payment."""
        row: PaymentRow = rows[key]
        verdict, attempts = answer.settled
        decision = outside.settle(RULES, row.payment, verdict.ok)
        told = {
            "reference": verdict.reference or row.reference,
            "reason": verdict.reason,
            "attempts": row.attempts + attempts,
        }
        return _effects(row, decision, answer.at_ms, told)


def _effects(row: PaymentRow, decision: PaymentDecision, at_ms: int, told: dict[str, Any]) -> Effects:
    if decision.changed:
        row = remade(PaymentRow, row, **told, payment=decision.errand, updated_at_ms=at_ms)
    order_id = row.payment.order_id
    sends = []
    if decision.answer is not None:
        reply = PAYMENT_REPLIES[decision.answer](
            order_id, gateway=row.payment.at, reference=row.reference, attempts=row.attempts, reason=row.reason
        )
        sends.append(Send(topics.ORDERS, order_id.encode(), encode(reply)))
    return Effects(((order_id, row),) if decision.changed else (), sends)


participant = Participant(app, topics.PAYMENTS, table, decide, park=topics.park, calls=GatewayCalls())


@app.agent(topics.payments, name="payments")
async def payments(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
