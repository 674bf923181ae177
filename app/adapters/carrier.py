"""What a carrier must be able to do for us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from app.adapters.outcome import Verdict
from app.domain.shipment import ShipmentOperation


class Consignment(NamedTuple):
    """One operation on one order's shipment. The same `key` is the same operation, however often it is asked for.

    `trace` is the `traceparent` of what asked for it, or empty.
    """

    key: str
    operation: ShipmentOperation
    order_id: str
    carrier: str
    items: tuple[tuple[str, int], ...]
    address: Mapping[str, str]
    trace: str = ""


class Carrier(Protocol):
    """A carrier. Raises `OutcomeUnknown` when the answer was lost; no other trouble of its own gets out."""

    @property
    def name(self) -> str:
        """Used for an order that names no carrier of its own."""

    async def perform(self, consignment: Consignment, attempt: int) -> Verdict:
        """Do it, once for each key. `attempt` counts from 1. The verdict's reference is the tracking number."""
