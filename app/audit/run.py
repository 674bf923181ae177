"""One audit from beginning to end. What is read when is what makes it right (see the package)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from faust import Record

from app import topics
from app.adapters.kafka_log import Log, LogRecord, Spans
from app.audit import books, errands, ledgers, live, parked
from app.audit.books import Book, Table
from app.audit.errands import PAYMENT_ERRANDS, SHIPMENT_ERRANDS, Asked, Errands
from app.audit.facts import Facts
from app.audit.holdings import Holdings
from app.audit.live import Live
from app.audit.orders import Orders
from app.audit.replay import HasLeft, Replay
from app.audit.report import Reach, Report
from app.audit.stores import Stores
from app.audit.turns import Place, Turns
from app.audit.waiting import Waiting
from app.delivery import Effects, Refused, Row
from app.domain.order import line_leg
from app.participants import inventory, leaving, orders
from app.participants.reading import read
from schemas.commands import CommitStock, ReleaseStock, ReserveStock

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


class Audit:
    """Reads `log` and `stores`, and where given the rows in the workers' memory; tells `begin` how far it is."""

    def __init__(
        self,
        log: Log,
        stores: Stores,
        begin: Begin,
        memory: Live | None = None,
        now_ms: Callable[[], int] = lambda: int(time.time() * 1000),
    ) -> None:
        self._now_ms = now_ms
        self._log = log
        self._memory = memory
        self._stores = stores
        self._begin = begin
        self._report = Report()

    async def run(self) -> Report:
        """The whole audit. Raises `LogUnreadable`, and what the stores raise."""
        report = self._report
        self._committed = self._log.committed(CONSUMED)
        kept = {table.name: await self._book(table) for table in (books.ORDERS, books.INVENTORY)}
        kept |= {kind.table.name: await self._book(kind.table) for kind in (PAYMENT_ERRANDS, SHIPMENT_ERRANDS)}
        documents = await self._stores.read()
        self._spans = self._ends()
        letters = await self._letters()
        blocked = set().union(*(self._unsure(letters, it) for it in (topics.ORDERS, topics.PAYMENTS, topics.SHIPPING)))
        products = self._unsure(letters, topics.INVENTORY)
        order_turns, stock_turns = Turns(orders.decide, letters.failures), Turns(inventory.decide, letters.failures)
        whole = not blocked and all(span.low == 0 for span in self._spans[topics.ORDERS].values())

        known = Orders()
        book = kept[books.ORDERS.name]
        cut = letters.cut(topics.ORDERS, self._spans[topics.ORDERS])
        order_log = Replay(books.ORDERS, topics.ORDERS, order_turns, book, self._committed, cut, known.note)
        await self._each(topics.ORDERS, order_log.take)
        order_log.judge(self._spans[topics.ORDERS], report, self._has_left(leaving.order_leaves_at_ms))
        known.close(order_log, book, self._spans[topics.ORDERS], blocked, report)
        waiting = Waiting(known, products)

        asked = {kind.what: await self._asked(kind, letters, waiting) for kind in (PAYMENT_ERRANDS, SHIPMENT_ERRANDS)}
        for kind in (PAYMENT_ERRANDS, SHIPMENT_ERRANDS):
            last = {order_id: it.last for order_id, it in asked[kind.what].items()}
            known.settle(kind.topic, last, self._committed)
        for kind in (PAYMENT_ERRANDS, SHIPMENT_ERRANDS):
            gone = self._has_left(leaving.order_leaves_at_ms)
            errands.judge(kind, asked[kind.what], kept[kind.table.name], known, report, gone)

        shown = {product_id: it.version for product_id, it in documents.stock.items()}
        holdings = Holdings(shown, products, report)
        cut = letters.cut(topics.INVENTORY, self._spans[topics.INVENTORY])
        book = kept[books.INVENTORY.name]
        stock_log = Replay(books.INVENTORY, topics.INVENTORY, stock_turns, book, self._committed, cut, holdings.note)
        await self._stock(stock_log, waiting)
        stock_log.judge(self._spans[topics.INVENTORY], report, self._has_left(leaving.stock_leaves_at_ms))
        holdings.judge(stock_log, known, self._spans[topics.INVENTORY])
        waiting.judge(self._committed, report)
        ledgers.judge(documents.payments, documents.shipments, known, whole, report)

        facts = Facts(known, self._committed, report)
        await self._batches(topics.ORDER_EVENTS, facts.take_orders)
        await self._batches(topics.INVENTORY_EVENTS, facts.take_stock)
        facts.judge_orders(documents.orders, whole)
        facts.judge_stock(documents.stock, holdings.versions, self._judged_products(holdings))
        self._judge_letters(letters, order_turns.parked | stock_turns.parked)
        known.count(report)
        return report

    def _has_left(self, leaves_at_ms: Callable[[Row], int | None]) -> HasLeft:
        def has_left(row: Row) -> bool:
            at_ms = leaves_at_ms(row)
            return at_ms is not None and at_ms <= self._now_ms()

        return has_left

    def _ends(self) -> dict[str, Spans]:
        """Where each topic ends now. `orders` is asked last: it then holds the cause of all that the others hold."""
        spans = {topic: self._log.spans(topic) for topic in (*reversed(CONSUMED), topics.DEAD_LETTERS)}
        spans[topics.ORDERS] = self._log.spans(topics.ORDERS)
        for topic in CONSUMED:
            for partition, (low, end) in sorted(spans[topic].items()):
                committed = self._committed.get((topic, partition), 0)
                self._report.reach.append(Reach(topic, partition, low, committed, end))
        return spans

    async def _book(self, table: Table) -> Book:
        book = await self._changelog(table, self._report)
        self._report.rows[table.name] = len(book)
        if self._memory is not None:
            await live.judge(table, book, self._memory, self._report, lambda: self._changelog(table, Report()))
        return book

    async def _changelog(self, table: Table, report: Report) -> Book:
        book: Book = {}
        spans = self._log.spans(table.changelog)
        advance = self._begin(f"Table {table.name}", sum(span.end - span.low for span in spans.values()))
        async for records in self._log.batches(table.changelog, spans):
            books.take(table, book, records, report)
            advance(len(records))
        return book

    async def _batches(self, topic: str, take: Callable[[list[LogRecord]], None]) -> None:
        spans = self._spans[topic]
        advance = self._begin(f"Log {topic}", sum(span.end - span.low for span in spans.values()))
        async for records in self._log.batches(topic, spans):
            take(records)
            advance(len(records))
            self._report.records += len(records)

    async def _each(self, topic: str, take: Callable[[LogRecord], None]) -> None:
        def all_of(records: list[LogRecord]) -> None:
            for record in records:
                take(record)

        await self._batches(topic, all_of)

    async def _asked(self, kind: Errands, letters: parked.Letters, waiting: Waiting) -> dict[str, Asked]:
        asked: dict[str, Asked] = {}
        turns = Turns(lambda _rows, _record: Effects(), letters.failures)

        def take(records: list[LogRecord]) -> None:
            for order_id, command, record in errands.ask(kind, asked, records, self._committed, turns):
                waiting.note(order_id, kind.leg, command, record)

        await self._batches(kind.topic, take)
        return asked

    async def _stock(self, replay: Replay, waiting: Waiting) -> None:
        def take(record: LogRecord) -> None:
            replay.take(record)
            command = _line_command(record)
            if command is not None:
                waiting.note(command.order_id, line_leg(command.product_id), command, record)

        await self._each(topics.INVENTORY, take)

    def _judged_products(self, holdings: Holdings) -> list[str]:
        spans = self._spans[topics.INVENTORY]
        return [product_id for product_id, partition in holdings.partition.items() if spans[partition].low == 0]

    async def _letters(self) -> parked.Letters:
        letters = parked.Letters()
        await self._batches(topics.DEAD_LETTERS, letters.take)
        return letters

    def _unsure(self, letters: parked.Letters, topic: str) -> set[str]:
        """The keys of which it is not known what becomes, or became, of their messages."""
        waiting, cut = letters.waiting(topic), letters.cut(topic, self._spans[topic])
        if waiting:
            self._report.not_judged.append(f"{len(waiting)} keys of {topic} that wait behind a failed message")
        if cut:
            self._report.not_judged.append(f"{len(cut)} keys of {topic} whose failed messages retention has cut")
        return waiting | cut

    def _judge_letters(self, letters: parked.Letters, wanted: dict[Place, str]) -> None:
        replayed = {topic: self._spans[topic] for topic in (topics.ORDERS, topics.INVENTORY)}
        cut = any(span.low > 0 for span in self._spans[topics.DEAD_LETTERS].values())
        parked.judge(wanted, letters.places, replayed, self._committed, cut, self._report)


def _line_command(record: LogRecord) -> ReserveStock | ReleaseStock | CommitStock | None:
    """The command of an order to its line in this record."""
    try:
        command: Record = read(topics.read_stock_command, record, "product_id")
    except Refused:
        return None
    return command if isinstance(command, ReserveStock | ReleaseStock | CommitStock) else None
