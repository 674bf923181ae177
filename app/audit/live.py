"""The rows in the workers' memory, against their changelogs.

Memory changes before its changelog does. So a row in memory, looked at after the changelog was read, is never older
than the row there, and where it is as old it is the same.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple, Protocol

from app.audit.books import Book, Table
from app.audit.report import Kind, Report
from app.delivery import Row
from schemas.codec import encode


class Held(NamedTuple):
    """A row that the worker at `url` holds, in its wire form."""

    url: str
    key: str
    row: bytes


class Live(Protocol):
    """Where rows in memory come from."""

    async def rows(self, table: str) -> list[Held]:
        """The rows of the table, of all workers."""


def stale(table: Table, book: Book, held: Iterable[Held]) -> list[tuple[Held, str]]:
    """The rows that are not what the changelog says, and how. The book must have been read before."""
    wrong = []
    for it in held:
        kept = book.get(it.key)
        row: Row = table.decode(it.row)
        version = table.version(row)
        if kept is None or kept.row is None or version > kept.version:
            continue
        if version < kept.version:
            wrong.append((it, f"version {version} is in memory, {kept.version} in the changelog"))
        elif encode(row) != encode(kept.row):
            wrong.append((it, f"version {version} is another in memory than in the changelog"))
    return wrong


def missing(book: Book, held: Iterable[Held]) -> set[str]:
    """The rows that the changelog has and no worker holds, though one holds others of their partition."""
    there = {it.key for it in held}
    owned = {kept.partition for key, kept in book.items() if key in there}
    return {key for key, kept in book.items() if kept.row is not None and kept.partition in owned and key not in there}


async def judge(table: Table, book: Book, live: Live, report: Report, again: Callable[[], Awaitable[Book]]) -> None:
    """Report rows that are wrong in memory twice in a row: once may be a worker that is just recovering them.

    `again` reads the changelog once more, which tells a row that is missing from one that was deleted meanwhile.
    """
    held = await live.rows(table.name)
    first, lacking = {(it.url, it.key) for it, _ in stale(table, book, held)}, missing(book, held)
    if lacking:
        now = await again()
        lacking = {key for key in lacking if key in now and now[key] == book[key]}
    if not (first or lacking):
        return
    held = await live.rows(table.name)
    for it, how in stale(table, book, held):
        if (it.url, it.key) in first:
            mend = f"Restart the worker at {it.url}: it recovers the row from the changelog"
            report.add(Kind.MEMORY_DIFFERS, f"{table.name} {it.key}", f"at {it.url}: {how}", mend)
    for key in sorted(lacking & missing(book, held)):
        detail = f"version {book[key].version} is in {table.changelog}-{book[key].partition}, and in no worker's memory"
        mend = "Restart the worker that owns its partition: it recovers the row from the changelog"
        report.add(Kind.MEMORY_LACKS, f"{table.name} {key}", detail, mend)
