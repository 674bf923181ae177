"""Rows in memory against their changelog: newer is in flight, older or other is wrong, and only when it stays so."""

from __future__ import annotations

import asyncio

import pytest

from app.audit import books, live
from app.audit.books import Kept
from app.audit.live import Held
from app.audit.report import Kind, Report
from app.domain.stock import Stock
from schemas.codec import encode
from schemas.rows import StockRow

URL = "http://127.0.0.1:6066"


def row(on_hand: int, applied: int) -> StockRow:
    return StockRow("tea", "Tea", 100, "EUR", Stock(on_hand, 0, applied), 1, 5)


class Memory:
    """What a worker shows, one look after the other."""

    def __init__(self, *looks: StockRow) -> None:
        self._looks = iter(looks)

    async def rows(self, _table: str) -> list[Held]:
        return [Held(URL, "tea", encode(next(self._looks)))]


def judged(*looks: StockRow) -> list[tuple[Kind, str]]:
    report = Report()
    book = {"tea": Kept(row(10, 7), 7, 0)}
    asyncio.run(live.judge(books.INVENTORY, book, Memory(*looks), report))
    return [(it.kind, it.subject) for it in report.differences]


@pytest.mark.parametrize("look", [row(10, 7), row(9, 8)], ids=["the same", "newer"])
def test_a_row_as_new_as_its_changelog_is_right(look: StockRow) -> None:
    assert judged(look) == []


@pytest.mark.parametrize("look", [row(10, 6), row(11, 7)], ids=["older", "another"])
def test_a_row_that_stays_older_or_another_is_found(look: StockRow) -> None:
    assert judged(look, look) == [(Kind.MEMORY_DIFFERS, "inventory tea")]


def test_a_row_that_is_just_being_recovered_is_no_difference() -> None:
    assert judged(row(10, 6), row(10, 7)) == []
