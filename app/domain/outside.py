"""An errand outside our walls: an operation at a gateway or a carrier, and how one follows another.

What is under way (`pending`) stands in the row, and the row is safe in Kafka before the call is made: whoever finds it
there later makes the same call again, with the same key, at the same place. An operation under way is always finished
before the next one, whatever was wanted meanwhile: its outcome is not known before. There is no watermark: a message
may still wait for a call while a later one is handled, so the row of an order is told apart by its order alone.

Payments and shipments are two tables over these rules (`payment.py`, `shipment.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from app.domain.value import Value, replace

Status = TypeVar("Status", bound=StrEnum)
Want = TypeVar("Want", bound=StrEnum)
Operation = TypeVar("Operation", bound=StrEnum)


class Pending(Value, Generic[Operation], frozen=True):
    """The operation under way: which, at which gateway or carrier, under which idempotency key."""

    operation: Operation
    at: str
    key: str


class Errand(Value, Generic[Status, Want, Operation], frozen=True):
    """How far it is, the furthest thing asked of it so far, and what is under way. `version` counts its changes."""

    order_id: str
    at: str
    status: Status
    want: Want
    pending: Pending[Operation] | None
    version: int = 1


@dataclass(frozen=True, slots=True)
class Rules(Generic[Status, Want, Operation]):
    """The table of one kind of errand.

    `wants` goes from the first to the furthest; only the first may open an errand, and only the last may close one
    that was never opened. `operations`: what to do next for (status, want); nothing where it is missing. `outcomes`:
    (operation, went well) to the status it leaves.
    """

    wants: tuple[Want, ...]
    opened: Status
    closed: Status
    operations: Mapping[tuple[Status, Want], Operation]
    outcomes: Mapping[tuple[Operation, bool], Status]


class ErrandDecision(Value, Generic[Status, Want, Operation], frozen=True):
    """The errand as it now is (None: refuse the message), whether it changed, and the status to tell the order.

    `answer` is None while an operation is under way: the answer then comes with its end.
    """

    errand: Errand[Status, Want, Operation] | None
    changed: bool = False
    answer: Status | None = None


def decide(
    rules: Rules[Status, Want, Operation],
    errand: Errand[Status, Want, Operation] | None,
    want: Want,
    order_id: str,
    at: str,
) -> ErrandDecision[Status, Want, Operation]:
    """What a command does to the errand. `at` names the gateway or carrier for an errand that is new."""
    if errand is None:
        if want is rules.wants[0]:
            return _advance(rules, Errand(order_id, at, rules.opened, want, None), changed=True)
        if want is rules.wants[-1]:
            return ErrandDecision(Errand(order_id, at, rules.closed, want, None), True, rules.closed)
        return ErrandDecision(None)
    further = rules.wants.index(want) > rules.wants.index(errand.want)
    if further:
        errand = replace(errand, want=want, version=errand.version + 1)
    if errand.pending is not None:
        return ErrandDecision(errand, further)
    return _advance(rules, errand, further)


def settle(
    rules: Rules[Status, Want, Operation], errand: Errand[Status, Want, Operation], went_well: bool
) -> ErrandDecision[Status, Want, Operation]:
    """What the definite end of the operation under way does to the errand, and the operation that follows it."""
    if errand.pending is None:
        raise ValueError(f"nothing is under way for {errand.order_id}")
    status = rules.outcomes[errand.pending.operation, went_well]
    ended = replace(errand, status=status, pending=None, version=errand.version + 1)
    return _advance(rules, ended, changed=True)


def _advance(
    rules: Rules[Status, Want, Operation], errand: Errand[Status, Want, Operation], changed: bool
) -> ErrandDecision[Status, Want, Operation]:
    operation = rules.operations.get((errand.status, errand.want))
    if operation is None:
        return ErrandDecision(errand, changed, errand.status)
    key = f"{errand.order_id}:{operation.value}:1"
    pending = Pending(operation, errand.at, key)
    return ErrandDecision(replace(errand, pending=pending, version=errand.version + (not changed)), True)
