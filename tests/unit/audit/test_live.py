"""Rows in memory against their changelog: newer is in flight, older or other is wrong, and only when it stays so."""

from __future__ import annotations

import asyncio

import pytest

from app.audit import books, live
from app.audit.books import Book, Kept
from app.audit.live import Held
from app.audit.report import Kind, Report
from app.domain.stock import Stock
from schemas.codec import encode
from schemas.rows import StockRow

URL = "http://127.0.0.1:6066"


def row(on_hand: int, applied: int) -> StockRow:
    return StockRow("tea", "Tea", 100, "EUR", Stock(on_hand, 0, applied), 1, 5)


Look = dict[str, StockRow]


class Memory:
    """What the workers show, one look after the other."""

    def __init__(self, *looks: Look) -> None:
        self._looks = iter(looks)

    async def rows(self, _table: str) -> list[Held]:
        return [Held(URL, key, encode(it)) for key, it in next(self._looks).items()]


def found(book: Book, again: Book, *looks: Look) -> list[tuple[Kind, str]]:
    report = Report()

    async def read_again() -> Book:
        return again

    asyncio.run(live.judge(books.INVENTORY, book, Memory(*looks), report, read_again))
    return [(it.kind, it.subject) for it in report.differences]


TEA: Book = {"tea": Kept(row(10, 7), 7, 0)}


def judged(*looks: StockRow) -> list[tuple[Kind, str]]:
    return found(TEA, TEA, *({"tea": look} for look in looks))


@pytest.mark.parametrize("look", [row(10, 7), row(9, 8)], ids=["the same", "newer"])
def test_a_row_as_new_as_its_changelog_is_right(look: StockRow) -> None:
    assert judged(look) == []


@pytest.mark.parametrize("look", [row(10, 6), row(11, 7)], ids=["older", "another"])
def test_a_row_that_stays_older_or_another_is_found(look: StockRow) -> None:
    assert judged(look, look) == [(Kind.MEMORY_DIFFERS, "inventory tea")]


def test_a_row_that_is_just_being_recovered_is_no_difference() -> None:
    assert judged(row(10, 6), row(10, 7)) == []


BOTH: Book = {**TEA, "cup": Kept(row(3, 9), 9, 0)}
ONLY_TEA = {"tea": row(10, 7)}


def test_a_row_that_no_worker_holds_is_missing() -> None:
    assert found(BOTH, BOTH, ONLY_TEA, ONLY_TEA) == [(Kind.MEMORY_LACKS, "inventory cup")]


def test_a_row_that_comes_with_the_next_look_is_just_being_recovered() -> None:
    assert found(BOTH, BOTH, ONLY_TEA, {"tea": row(10, 7), "cup": row(3, 9)}) == []


@pytest.mark.parametrize(
    "again",
    [TEA, {**TEA, "cup": Kept(None, -1, 0)}, {**TEA, "cup": Kept(row(3, 12), 12, 0)}],
    ids=["compacted", "deleted", "begun anew"],
)
def test_a_row_that_was_deleted_meanwhile_is_not_missing(again: Book) -> None:
    assert found(BOTH, again, ONLY_TEA, ONLY_TEA) == []


def test_rows_of_a_partition_that_nobody_holds_now_are_not_missing() -> None:
    assert found({**TEA, "cup": Kept(row(3, 9), 9, 1)}, BOTH, ONLY_TEA, ONLY_TEA) == []
