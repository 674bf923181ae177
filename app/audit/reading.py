"""How an audit reads Kafka: what is committed is asked first, and where the topics end last (see the package)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app import topics
from app.adapters.kafka_log import Log, LogRecord, Span, Spans
from app.audit import books, live
from app.audit.books import Book, Table
from app.audit.live import Live
from app.audit.report import Reach, Report

CONSUMED: Final = (
    topics.ORDERS,
    topics.INVENTORY,
    topics.PAYMENTS,
    topics.SHIPPING,
    topics.ORDER_EVENTS,
    topics.INVENTORY_EVENTS,
)
"""What the workers commit offsets of. `orders` comes last when ends are asked for: all the rest is caused by it."""

Advance = Callable[[int], None]
Begin = Callable[[str, int], Advance]
"""Told of each part: its title and how many records it has; gives back what is called while they are read."""


class Reading:
    """Reads `log` for one audit, and tells `begin` how far it is. Made, it has asked for what is committed.

    `spans` are the topics' beginnings and ends, once `find_ends` has asked for them.
    """

    def __init__(self, log: Log, begin: Begin, report: Report) -> None:
        self.committed = log.committed(CONSUMED)
        self.spans: dict[str, Spans] = {}
        self._log = log
        self._begin = begin
        self._report = report

    async def book(self, table: Table, memory: Live | None) -> Book:
        """The rows of a table; where `memory` is given, those that the workers hold are judged by them."""
        book = await self._changelog(table, self._report)
        self._report.rows[table.name] = len(book)
        if memory is not None:
            await live.judge(table, book, memory, self._report, lambda: self._changelog(table, Report()))
        return book

    def find_ends(self) -> None:
        """Ask where each topic ends now: `orders` last, which then holds the cause of all that the others hold."""
        self.spans = {topic: self._log.spans(topic) for topic in (*reversed(CONSUMED), topics.DEAD_LETTERS)}
        self.spans[topics.ORDERS] = self._log.spans(topics.ORDERS)
        for topic in CONSUMED:
            for partition, (low, end) in sorted(self.spans[topic].items()):
                committed = self.committed.get((topic, partition), 0)
                self._report.reach.append(Reach(topic, partition, low, committed, end))

    async def batches(self, topic: str, take: Callable[[list[LogRecord]], None]) -> None:
        """Have all records of the topic taken, up to its end."""
        spans = self.spans[topic]
        advance = self._begin(f"Log {topic}", sum(span.end - span.low for span in spans.values()))
        async for records in self._log.batches(topic, spans):
            take(records)
            advance(len(records))
            self._report.records += len(records)

    async def since(self, topic: str, take: Callable[[list[LogRecord]], None]) -> None:
        """Have the records taken that came to the topic since its end was asked for."""
        before = self.spans[topic]
        now = {it: Span(before[it].end, span.end) for it, span in self._log.spans(topic).items()}
        async for records in self._log.batches(topic, now):
            take(records)

    async def each(self, topic: str, take: Callable[[LogRecord], None]) -> None:
        """As `batches`, one record at a time."""

        def all_of(records: list[LogRecord]) -> None:
            for record in records:
                take(record)

        await self.batches(topic, all_of)

    async def _changelog(self, table: Table, report: Report) -> Book:
        book: Book = {}
        spans = self._log.spans(table.changelog)
        advance = self._begin(f"Table {table.name}", sum(span.end - span.low for span in spans.values()))
        async for records in self._log.batches(table.changelog, spans):
            books.take(table, book, records, report)
            advance(len(records))
        return book
