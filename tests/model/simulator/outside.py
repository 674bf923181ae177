"""The gateway and the carrier, with ledgers of their own: what was really done, by idempotency key."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from random import Random

from tests.model.simulator.violation import Violation

AFTER = {"void": "authorize", "capture": "authorize", "refund": "capture", "call_off": "book"}
"""What must have gone well before an operation makes sense at all."""


@dataclass
class Outside:
    """Both of them. `refusals`: how likely each operation is refused."""

    random: Random
    refusals: float
    done: dict[str, dict[str, bool]] = field(default_factory=lambda: defaultdict(dict))
    keys: dict[tuple[str, str], bool] = field(default_factory=dict)

    def call(self, order_id: str, operation: str, at: str, key: str) -> bool:
        """Does it, or says again how it ended. Raises `Violation` for what no honest caller does."""
        if (at, key) in self.keys:
            return self.keys[at, key]
        done = self.done[order_id]
        if operation in done:
            raise Violation(order_id, f"{operation} is done twice, the second time at {at} by {key}")
        needed = AFTER.get(operation)
        if needed and not done.get(needed):
            raise Violation(order_id, f"{operation} without {needed}")
        if operation == "void" and done.get("capture"):
            raise Violation(order_id, "void after capture")
        ok = self.random.random() >= self.refusals
        self.keys[at, key] = done[operation] = ok
        return ok

    def went_well(self, order_id: str, operation: str) -> bool:
        """Whether it was done."""
        return self.done[order_id].get(operation, False)

    def holds_money(self, order_id: str) -> bool:
        """Whether money of the customer is set aside or taken."""
        return self.went_well(order_id, "authorize") and not (
            self.went_well(order_id, "void") or self.went_well(order_id, "refund")
        )

    def holds_shipment(self, order_id: str) -> bool:
        """Whether the carrier is coming, or has been."""
        return self.went_well(order_id, "book") and not self.went_well(order_id, "call_off")
