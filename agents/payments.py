"""Payments: has the gateway authorise, capture, void and refund. It is called beside the stream."""

from __future__ import annotations

import time
from typing import Any

from app import topics
from app.delivery import Effects, Participant, Retention, Rows, Tell
from app.main import app, settings
from app.metrics import numbers
from app.participants.ends import Ended
from app.participants.leaving import LOOK_EVERY_S, payment_leaves_at_ms
from app.participants.payments import decide, settle
from app.participants.stalling import stalled
from app.wiring import Charge, charge, gateway
from schemas.rows import PaymentRow
from tables import payments as table


class GatewayCalls:
    """The calls that payments are waiting for; which they are stands in their rows."""

    limit = settings.gateway_calls

    def due(self, key: str, row: PaymentRow) -> Charge | None:
        """The operation under way."""
        pending = row.payment.pending
        if pending is None:
            return None
        return Charge(
            pending.key,
            pending.operation,
            key,
            pending.at,
            row.amount_minor,
            row.currency,
            row.method or "",
            row.reference,
            row.trace,
        )

    async def perform(self, key: str, intent: Charge, tell: Tell) -> Ended:
        """Make the call until its outcome is known."""
        (verdict, attempts), trace = await charge(
            intent, lambda vain: tell(stalled(key, intent.operation, vain, intent.trace))
        )
        return Ended(*verdict, attempts, int(time.time() * 1000), trace)

    def settle(self, rows: Rows, key: str, answer: Ended) -> Effects:
        """What the outcome does to the payment."""
        return settle(rows, key, answer)


participant = Participant(
    app,
    topics.PAYMENTS,
    table,
    lambda rows, record: decide(rows, record, gateway().name),  # not before the worker runs: it connects
    park=topics.park,
    calls=GatewayCalls(),
    retention=Retention(payment_leaves_at_ms, LOOK_EVERY_S),
)
table.observers.append(numbers.money)


@app.agent(topics.payments, name="payments")
async def payments(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
