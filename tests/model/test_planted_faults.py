"""The exploration finds faults: each of these takes one rule away, and must be noticed with a story."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeAlias

import pytest

from app.domain import legs, outside, saga, stock
from app.domain.legs import Trigger
from app.domain.order import Order, State
from app.domain.signals import LineTold
from app.domain.value import replace
from tests.model.explore import explore
from tests.model.participants import Broken
from tests.model.world import Setting

Rules: TypeAlias = outside.Rules[Any, Any, Any]
Errand: TypeAlias = outside.Errand[Any, Any, Any]
ONE = {"tea": 1}
CANCELLED_AND_DOUBLED = Setting(ONE, ONE, cancels=1, doubles=1)


def no_release(patch: pytest.MonkeyPatch) -> None:
    """The undo gives the money back and forgets the stock."""
    patch.setitem(saga.ON_ARRIVAL, State.UNDOING, lambda order: legs.give_back(order)[:1])


def no_late_release(patch: pytest.MonkeyPatch) -> None:
    """Stock that is granted after the rejection stays granted."""
    note = legs.note

    def forgetful(order: Order, told: LineTold) -> tuple[Order, legs.Wants, legs.Wants]:
        return note(order, told)[0], (), ()

    patch.setattr(legs, "note", forgetful)


def any_answer_will_do(patch: pytest.MonkeyPatch) -> None:
    """Every reply of a leg clears its command, also a late one to the command before."""
    every = frozenset(status for statuses in legs.ANSWERS.values() for status in statuses)
    for verb in legs.ANSWERS:
        patch.setitem(legs.ANSWERS, verb, every)


class Descending(dict[object, int]):
    """Each look-up is lower than the one before, so what is told now always ranks above what was known."""

    looked_up = 0

    def __missing__(self, _: object) -> int:
        self.looked_up += 1
        return -self.looked_up


def legs_go_down(patch: pytest.MonkeyPatch) -> None:
    """A late double takes a leg back to where it was before."""
    patch.setattr(legs, "_RANK", Descending())


def commit_before_capture(patch: pytest.MonkeyPatch) -> None:
    """The goods leave before the money is taken."""
    patch.setitem(saga.STEPS, (State.BOOKING, Trigger.BOOKED), State.COMMITTING)


def no_call_off(patch: pytest.MonkeyPatch) -> None:
    """Whatever was booked stays booked."""
    patch.setattr(saga, "CAN_TURN_BACK", ())
    for state in (State.BOOKING, State.CAPTURING):
        patch.setitem(saga.STEPS, (state, Trigger.CANCEL), State.UNDOING)


def a_double_counts_twice(patch: pytest.MonkeyPatch) -> None:
    """A second reserve holds the pieces again."""
    reserve = stock.reserve
    patch.setattr(stock, "reserve", lambda counters, held, quantity, offset: reserve(counters, None, quantity, offset))


def calls_overtake(patch: pytest.MonkeyPatch) -> None:
    """A further command does not wait for the call under way."""
    decide = outside.decide

    def hasty(
        rules: Rules, errand: Errand | None, want: StrEnum, order_id: str, at: str
    ) -> outside.ErrandDecision[Any, Any, Any]:
        if errand is not None and errand.pending is not None and want is rules.wants[-1]:
            return outside.ErrandDecision(
                replace(errand, want=want, status=rules.closed, pending=None), True, rules.closed
            )
        return decide(rules, errand, want, order_id, at)

    patch.setattr(outside, "decide", hasty)


PLANTED: dict[Callable[[pytest.MonkeyPatch], None], Setting] = {
    no_release: CANCELLED_AND_DOUBLED,
    no_late_release: Setting({"tea": 0}, ONE, doubles=1, supplies=1),
    any_answer_will_do: CANCELLED_AND_DOUBLED,
    legs_go_down: Setting(ONE, ONE, doubles=2),
    commit_before_capture: CANCELLED_AND_DOUBLED,
    no_call_off: CANCELLED_AND_DOUBLED,
    a_double_counts_twice: Setting({"tea": 3}, ONE, doubles=1),
    calls_overtake: CANCELLED_AND_DOUBLED,
}


@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_fault_is_found(plant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch) -> None:
    plant(monkeypatch)
    with pytest.raises(Broken, match="then: "):
        explore(PLANTED[plant])
