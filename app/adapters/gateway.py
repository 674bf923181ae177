"""What a payment gateway must be able to do for us."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from app.adapters.outcome import Verdict
from app.domain.payment import PaymentOperation


class Charge(NamedTuple):
    """One operation on one order's money. The same `key` is the same operation, however often it is asked for.

    `at` names the gateway where the payment was begun. `reference` is what it called the authorisation; empty for the
    authorisation itself. `trace` is the `traceparent` of what asked for it, or empty.
    """

    key: str
    operation: PaymentOperation
    order_id: str
    at: str
    amount_minor: int
    currency: str
    method: str
    reference: str
    trace: str = ""


class Gateway(Protocol):
    """A payment gateway. Raises `OutcomeUnknown` when the answer was lost; no other trouble of its own gets out."""

    @property
    def name(self) -> str:
        """Kept with each payment: it is finished where it was begun."""

    async def perform(self, charge: Charge, attempt: int) -> Verdict:
        """Do it, once for each key. `attempt` counts from 1."""
