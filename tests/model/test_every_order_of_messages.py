"""One order, every history: whatever order its messages arrive in, with doubles, cancels and deadlines at each moment.

Each setting below is explored to its end: all in all some 630,000 states and 2.4 million moves between them. What that
leaves out: crashes and replays (`tests/unit/domain/test_stock_properties.py` has those of one product), other orders
beside this one, and more doubles at once than the setting says. `-rP` shows the counts.
"""

from __future__ import annotations

import pytest

from app.domain import saga
from app.domain.order import State
from tests.model.explore import explore
from tests.model.participants import Broken
from tests.model.world import Setting

ONE, TWO = {"tea": 1}, {"tea": 1, "cup": 1}
REJECTED_ONLY = {State.REJECTED}
UNCANCELLED = {State.REJECTED, State.SHIPPED, State.NEEDS_ATTENTION}
ALL = {*UNCANCELLED, State.CANCELLED}
BY_HAND = {*ALL, State.AWAIT_PAY, State.AWAIT_SHIP}

SETTINGS: dict[str, tuple[Setting, int, set[State]]] = {
    "one line": (Setting(ONE, ONE), 60, UNCANCELLED),
    "one line, two doubles, a cancel": (Setting(ONE, ONE, doubles=2, cancels=1), 65_000, ALL),
    "one line, three doubles": (Setting(ONE, ONE, doubles=3), 65_000, UNCANCELLED),
    "one line, a double, a cancel, a deadline": (Setting(ONE, ONE, doubles=1, cancels=1, deadlines=1), 50_000, ALL),
    "one line, out of stock and supplied": (
        Setting({"tea": 0}, ONE, doubles=2, cancels=1, supplies=1),
        65_000,
        ALL,
    ),
    "one line, of a product that comes later": (
        Setting({"tea": None}, ONE, doubles=1, cancels=1, deadlines=1, supplies=1),
        51_000,
        ALL,
    ),
    "by hand, one line, a double, a cancel": (Setting(ONE, ONE, doubles=1, cancels=1, manual=True), 8_600, BY_HAND),
    "by hand, two lines, a cancel, a deadline": (
        Setting(TWO, TWO, cancels=1, deadlines=1, manual=True),
        13_000,
        BY_HAND,
    ),
    "two lines, a double, a cancel, a deadline": (
        Setting(TWO, TWO, doubles=1, cancels=1, deadlines=1),
        181_000,
        ALL,
    ),
    "two lines, one out of stock and supplied": (
        Setting({"tea": 0, "cup": 1}, TWO, doubles=1, cancels=1, supplies=1),
        26_000,
        ALL,
    ),
    "two lines, both out of stock": (
        Setting({"tea": 0, "cup": 0}, TWO, doubles=2, supplies=1),
        2_600,
        REJECTED_ONLY,
    ),
    "one line, a double, a cancel, a stalled call": (Setting(ONE, ONE, doubles=1, cancels=1, stalls=1), 46_000, ALL),
    "one line, a cancel, two stalled calls": (Setting(ONE, ONE, cancels=1, stalls=2), 9_400, ALL),
    "two lines, two doubles": (Setting(TWO, TWO, doubles=2), 44_000, UNCANCELLED),
}
"""With how many states there are at least, as an exploration that goes nowhere finds nothing; and where it may end."""


@pytest.mark.parametrize(("setting", "at_least", "ends"), SETTINGS.values(), ids=SETTINGS)
def test_every_history_keeps_the_rules_and_comes_to_rest(setting: Setting, at_least: int, ends: set[State]) -> None:
    explored = explore(setting)
    print(f"{explored.states:,} states, {explored.moves:,} moves, ends: {', '.join(sorted(explored.ends))}")  # noqa: T201
    assert explored.states >= at_least
    assert explored.ends == ends


def test_a_broken_rule_is_told_as_a_short_story(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(saga.ON_ARRIVAL, State.UNDOING, lambda order: ())
    with pytest.raises(Broken) as caught:
        explore(Setting(ONE, ONE, cancels=1))
    first, *middle, why = [" ".join(line.split()) for line in str(caught.value).splitlines()]
    assert first == "placed order: RESERVING, waiting for line:tea RESERVE"
    assert "order <- the customer says CANCEL order: UNDOING, waiting for line:tea RESERVE" in middle
    assert why == "then: it is CANCELLED, and the stock is [<LineStatus.RESERVED: 'RESERVED'>]"
    assert len(middle) == 3, "the shortest way there"
