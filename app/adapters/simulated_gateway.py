"""A payment gateway that isn't one: its answers are chosen by the payment method.

`declined` is not authorised, `capture-declined` is authorised and can't be captured, `irreversible` can be neither
voided nor refunded; `slow`, `flaky` and `timeout` as in `app.adapters.simulation`. Anything else is paid.
"""

from __future__ import annotations

from typing import Final

from app.adapters.gateway import Charge
from app.adapters.outcome import Verdict
from app.adapters.simulation import Simulation
from app.domain.payment import PaymentOperation as Op

REFUSALS: Final = {
    ("declined", Op.AUTHORIZE): "the card was declined",
    ("capture-declined", Op.CAPTURE): "the authorisation can't be captured",
    ("irreversible", Op.VOID): "the authorisation can't be voided",
    ("irreversible", Op.REFUND): "the payment can't be refunded",
}


class SimulatedGateway:
    """Keeps what it did in its ledger, by idempotency key."""

    name = "simulated"

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def perform(self, charge: Charge, attempt: int) -> Verdict:
        """Do it, once for each key. Raises `OutcomeUnknown`."""
        refusal = REFUSALS.get((charge.method, charge.operation), "")
        reference = charge.reference or f"sim_{charge.order_id}"
        entry = {
            "order_id": charge.order_id,
            "operation": charge.operation.value,
            "amount_minor": charge.amount_minor,
            "currency": charge.currency,
        }
        verdict = Verdict(not refusal, "" if refusal else reference, refusal)
        return await self._simulation.answer(charge.key, charge.method, attempt, verdict, entry)
