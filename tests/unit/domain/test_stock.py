"""One product's stock, case by case: reserve, commit, release, supply; and what a crash between its rows leaves."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.domain import stock
from app.domain.stock import NEVER, AdjustDecision, Adjustment, LineDecision, LineStatus, Reservation, Shortage, Stock

RESERVED, REJECTED = LineStatus.RESERVED, LineStatus.REJECTED
RELEASED, COMMITTED = LineStatus.RELEASED, LineStatus.COMMITTED
SHELF = Stock(on_hand=10, reserved=4, applied=20)
HELD = Reservation(3, RESERVED, reserved_at=15)
MARKER = Reservation(0, RELEASED, settled_at=15)

LINES: dict[str, tuple[LineDecision, LineDecision]] = {
    "reserve: enough": (
        stock.reserve(SHELF, None, 6, 21),
        LineDecision(RESERVED, Stock(10, 10, 21), Reservation(6, RESERVED, reserved_at=21)),
    ),
    "reserve: one too many leaves no row": (
        stock.reserve(SHELF, None, 7, 21),
        LineDecision(REJECTED, shortage=Shortage.OUT_OF_STOCK),
    ),
    "reserve: no such product": (
        stock.reserve(None, None, 1, 21),
        LineDecision(REJECTED, shortage=Shortage.UNKNOWN_PRODUCT),
    ),
    "reserve: a replay that left no row was rejected, and is again": (
        stock.reserve(SHELF, None, 1, 20),
        LineDecision(REJECTED, shortage=Shortage.OUT_OF_STOCK),
    ),
    "reserve: a double is told how it stands": (stock.reserve(SHELF, HELD, 3, 21), LineDecision(RESERVED)),
    "reserve: a replay too": (stock.reserve(SHELF, HELD, 3, 15), LineDecision(RESERVED)),
    "reserve: barred by a release that came first": (stock.reserve(SHELF, MARKER, 3, 21), LineDecision(RELEASED)),
    "commit: the pieces leave": (
        stock.commit(SHELF, HELD, 21),
        LineDecision(COMMITTED, Stock(7, 1, 21), Reservation(3, COMMITTED, 15, 21)),
    ),
    "commit: a double takes nothing": (
        stock.commit(Stock(7, 1, 21), Reservation(3, COMMITTED, 15, 21), 22),
        LineDecision(COMMITTED),
    ),
    "commit: nothing was held, refused": (stock.commit(SHELF, None, 21), LineDecision(None)),
    "commit: released before, so it takes nothing": (stock.commit(SHELF, MARKER, 21), LineDecision(RELEASED)),
    "release: the pieces are free": (
        stock.release(SHELF, HELD, 21),
        LineDecision(RELEASED, Stock(10, 1, 21), Reservation(3, RELEASED, 15, 21)),
    ),
    "release: a double frees nothing": (
        stock.release(Stock(10, 1, 21), Reservation(3, RELEASED, 15, 21), 22),
        LineDecision(RELEASED),
    ),
    "release: what has left stays gone": (
        stock.release(Stock(7, 1, 21), Reservation(3, COMMITTED, 15, 21), 22),
        LineDecision(COMMITTED),
    ),
    "release: nothing held, and a late reserve is barred": (
        stock.release(SHELF, None, 21),
        LineDecision(RELEASED, None, Reservation(0, RELEASED, settled_at=21)),
    ),
    "release: of a product that never was": (
        stock.release(None, None, 21),
        LineDecision(RELEASED, None, Reservation(0, RELEASED, settled_at=21)),
    ),
    "release: again, of a product that never was": (stock.release(None, MARKER, 21), LineDecision(RELEASED)),
}


@pytest.mark.parametrize(("decided", "expected"), LINES.values(), ids=LINES)
def test_a_line(decided: LineDecision, expected: LineDecision) -> None:
    assert decided == expected


UNFINISHED: dict[str, tuple[LineDecision, LineDecision]] = {
    "reserve: the reservation was kept, the counters not": (
        stock.reserve(SHELF, Reservation(3, RESERVED, reserved_at=21), 3, 21),
        LineDecision(RESERVED, Stock(10, 7, 21)),
    ),
    "commit: as well": (
        stock.commit(SHELF, Reservation(3, COMMITTED, 15, 21), 21),
        LineDecision(COMMITTED, Stock(7, 1, 21)),
    ),
    "release: as well": (
        stock.release(SHELF, Reservation(3, RELEASED, 15, 21), 21),
        LineDecision(RELEASED, Stock(10, 1, 21)),
    ),
    "another message than the one of its phase finishes nothing": (
        stock.reserve(SHELF, Reservation(3, RESERVED, reserved_at=21), 3, 22),
        LineDecision(RESERVED),
    ),
    "a release that found nothing has nothing to finish": (
        stock.release(SHELF, Reservation(0, RELEASED, settled_at=21), 21),
        LineDecision(RELEASED),
    ),
}


@pytest.mark.parametrize(("decided", "expected"), UNFINISHED.values(), ids=UNFINISHED)
def test_a_replay_finishes_what_a_crash_cut(decided: LineDecision, expected: LineDecision) -> None:
    assert decided == expected


@pytest.mark.parametrize(("settle", "left"), [(stock.commit, Stock(7, 4, 22)), (stock.release, Stock(10, 4, 22))])
def test_a_crash_after_both_phases_in_one_slice_finishes_each(
    settle: Callable[[Stock, Reservation, int], LineDecision], left: Stock
) -> None:
    """Reserve at 21 and its end at 22 were written as one row; the counters of the slice were lost."""
    reserving = stock.reserve(SHELF, None, 3, 21)
    assert reserving.stock is not None
    assert reserving.reservation is not None
    kept = settle(reserving.stock, reserving.reservation, 22).reservation
    assert kept is not None

    first = stock.reserve(SHELF, kept, 3, 21)
    assert first == LineDecision(kept.status, Stock(10, 7, 21))
    assert first.stock is not None
    assert settle(first.stock, kept, 22) == LineDecision(kept.status, left)


SUPPLIES: dict[str, tuple[AdjustDecision, AdjustDecision]] = {
    "adjust: more": (
        stock.adjust(SHELF, None, 5, 21),
        AdjustDecision(True, Stock(15, 4, 21), Adjustment(5, True, 21)),
    ),
    "adjust: down to what is held": (
        stock.adjust(SHELF, None, -6, 21),
        AdjustDecision(True, Stock(4, 4, 21), Adjustment(-6, True, 21)),
    ),
    "adjust: below what is held, no": (
        stock.adjust(SHELF, None, -7, 21),
        AdjustDecision(False, None, Adjustment(-7, False, 21)),
    ),
    "adjust: a new product": (
        stock.adjust(None, None, 5, 0),
        AdjustDecision(True, Stock(5, 0, 0), Adjustment(5, True, 0)),
    ),
    "adjust: a new product can't owe": (
        stock.adjust(None, None, -1, 0),
        AdjustDecision(False, None, Adjustment(-1, False, 0)),
    ),
    "adjust: the same key again": (
        stock.adjust(SHELF, Adjustment(5, True, 15), 5, 21),
        AdjustDecision(True),
    ),
    "adjust: the same key again after a no, though it would do now": (
        stock.adjust(SHELF, Adjustment(-3, False, 15), -3, 21),
        AdjustDecision(False),
    ),
    "adjust: a replay finishes what a crash cut": (
        stock.adjust(SHELF, Adjustment(5, True, 21), 5, 21),
        AdjustDecision(True, Stock(15, 4, 21)),
    ),
    "adjust: a replay finishes a new product": (
        stock.adjust(None, Adjustment(5, True, 0), 5, 0),
        AdjustDecision(True, Stock(5, 0, 0)),
    ),
    "adjust: a replay of a no finishes nothing": (
        stock.adjust(SHELF, Adjustment(-7, False, 21), -7, 21),
        AdjustDecision(False),
    ),
    "set: keeps the difference": (
        stock.set_on_hand(SHELF, None, 7, 21),
        AdjustDecision(True, Stock(7, 4, 21), Adjustment(-3, True, 21)),
    ),
    "set: below what is held, no": (
        stock.set_on_hand(SHELF, None, 3, 21),
        AdjustDecision(False, None, Adjustment(-7, False, 21)),
    ),
    "set: a replay adds the difference it had then": (
        stock.set_on_hand(SHELF, Adjustment(-3, True, 21), 7, 21),
        AdjustDecision(True, Stock(7, 4, 21)),
    ),
    "set: the same key again does not set again": (
        stock.set_on_hand(SHELF, Adjustment(2, True, 15), 7, 21),
        AdjustDecision(True),
    ),
}


@pytest.mark.parametrize(("decided", "expected"), SUPPLIES.values(), ids=SUPPLIES)
def test_a_supply(decided: AdjustDecision, expected: AdjustDecision) -> None:
    assert decided == expected


def test_available_is_what_nobody_holds() -> None:
    assert (SHELF.available, Stock().available, Stock().applied) == (6, 0, NEVER)
