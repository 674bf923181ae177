"""Changes of stock that come again when their marker's time is over: made once more, or recognised all the same."""

from __future__ import annotations

import pytest

from app import topics
from app.audit import books
from app.audit.report import Kind
from app.domain.stock import Stock
from app.participants.leaving import KEEPING
from schemas.codec import encode, remade
from schemas.commands import ReserveStock
from schemas.rows import StockRow
from tests.unit.audit.history import History

MARKER = "tea/adjustment/s-tea"
OVER_MS = KEEPING.adjustment_ms + 60_000
ROWS, CHANGELOG = books.INVENTORY.name, books.INVENTORY.changelog


@pytest.fixture
def shop() -> History:
    """Ten pieces were supplied, and four of them sold; then the marker's time goes by."""
    shop = History()
    shop.supply("tea", 10)
    shop.supply("cup", 10)
    shop.place("o1", tea=4)
    shop.now_ms += OVER_MS
    return shop


def forget(shop: History) -> None:
    """The marker leaves."""
    del shop.rows[ROWS][MARKER]
    shop.append(CHANGELOG, MARKER.encode(), None)


def compact(shop: History) -> None:
    """Nothing of before is left in the changelog, nor the deletion itself."""
    last = {it.key: it for it in shop.records[CHANGELOG]}
    kept = [it for it in shop.records[CHANGELOG] if last[it.key] is it and it.value is not None]
    shop.records[CHANGELOG] = [it._replace(offset=offset) for offset, it in enumerate(kept)]


def on_hand(shop: History) -> int:
    row: StockRow = shop.rows[ROWS]["tea"]
    return row.stock.on_hand


def judged_clean(shop: History) -> bool:
    report = shop.audit()
    return (report.differences, report.not_judged) == ([], [])


@pytest.fixture(params=[False, True], ids=["as written", "compacted"])
def compacted(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_a_change_that_is_made_again_when_its_marker_has_left_is_right(shop: History, compacted: bool) -> None:
    forget(shop)
    shop.supply("tea", 10)
    assert on_hand(shop) == 10
    if compacted:
        compact(shop)
    assert judged_clean(shop)
    shop.place("o2", tea=3)
    assert judged_clean(shop)


def test_a_change_that_is_recognised_after_its_time_is_right(shop: History, compacted: bool) -> None:
    """No worker ran meanwhile, so the marker was there still. Then it leaves."""
    shop.supply("tea", 10)
    assert on_hand(shop) == 6
    assert judged_clean(shop)
    forget(shop)
    if compacted:
        compact(shop)
    assert judged_clean(shop)
    shop.now_ms += KEEPING.adjustment_ms - 60_000
    shop.supply("tea", 10)
    assert on_hand(shop) == 10
    shop.now_ms += KEEPING.adjustment_ms - 60_000
    assert judged_clean(shop), "that it was made then tells that it was not made in between"


def test_a_change_whose_marker_left_too_early_is_found(shop: History) -> None:
    shop.now_ms -= 2 * 60_000
    forget(shop)
    shop.supply("tea", 10)
    found = shop.found()
    assert (Kind.ROW_WITHOUT_CAUSE, (), ("tea",)) in found


def test_what_is_wrong_with_a_product_is_found_also_after_such_a_change(shop: History) -> None:
    forget(shop)
    shop.supply("tea", 10)
    row = shop.rows[ROWS]["tea"]
    more = Stock(row.stock.on_hand + 1, row.stock.reserved, row.stock.applied)
    shop.append(CHANGELOG, b"tea", encode(remade(StockRow, row, stock=more)))
    assert shop.found() == [(Kind.ROW_DIFFERS, (), ("tea",))]


@pytest.mark.parametrize("again", [False, True], ids=["recognised", "made"])
def test_a_change_of_which_nothing_tells_any_more_is_said_and_not_judged(shop: History, again: bool) -> None:
    """Whichever marker was there has left, and could have been either."""
    if again:
        forget(shop)
    shop.supply("tea", 10)
    shop.place("o2", tea=5)
    shop.append(topics.INVENTORY, b"tea", encode(ReserveStock("o9", "tea", quantity=0)))
    shop.now_ms += OVER_MS
    shop.run()
    forget(shop)
    compact(shop)
    report = shop.audit()
    assert report.differences == []
    assert [it for it in report.not_judged if it.startswith("1 products with a change of stock")]
    row = shop.rows[ROWS]["cup"]
    shop.append(CHANGELOG, b"cup", encode(remade(StockRow, row, price_minor=1)))
    assert shop.found() == [(Kind.ROW_DIFFERS, (), ("cup",))]
    shop.records[topics.INVENTORY_EVENTS].pop()
    assert (Kind.FACT_MISSING, (), ("tea",)) in shop.found(), "the table says what must have been told"


@pytest.mark.parametrize("again", [False, True], ids=["recognised", "made"])
def test_a_change_that_comes_again_and_is_not_committed_is_not_judged(shop: History, again: bool) -> None:
    """Its row may be written after the audit has read the table, and its fact before the audit reads those."""
    if again:
        forget(shop)
    shop.supply("tea", 10)
    shop.done[topics.INVENTORY] -= 1
    assert shop.found() == []
    shop.records[CHANGELOG] = shop.records[CHANGELOG][: -2 if again else None]
    assert shop.found() == []


def test_a_change_that_was_made_anew_twice_is_said_and_not_judged(shop: History) -> None:
    """The table has the marker of the last time; of the time before nothing is left."""
    for _ in range(2):
        forget(shop)
        shop.supply("tea", 10)
        shop.place(f"then-{shop.now_ms}", tea=1)
        shop.now_ms += OVER_MS
    compact(shop)
    report = shop.audit()
    assert (report.differences, len(report.not_judged)) == ([], 1)
