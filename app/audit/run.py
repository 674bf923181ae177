"""One audit from beginning to end. What is read when is what makes it right (see the package)."""

from __future__ import annotations

import time
from collections.abc import Callable

from faust import Record

from app import topics
from app.adapters.kafka_log import Log, LogRecord
from app.audit import books, errands, ledgers, parked
from app.audit.books import Book
from app.audit.errands import PAYMENT_ERRANDS, SHIPMENT_ERRANDS, Asked, Errands
from app.audit.facts import OrderFacts
from app.audit.holdings import Holdings
from app.audit.live import Live
from app.audit.markers import Markers
from app.audit.orders import Orders
from app.audit.reading import Begin, Reading
from app.audit.replay import HasLeft, Replay
from app.audit.report import Report
from app.audit.stock_facts import StockFacts
from app.audit.stores import Documents, Stores
from app.audit.turns import Place, Turns
from app.audit.waiting import Waiting
from app.delivery import Effects, Refused, Row
from app.domain.order import line_leg
from app.participants import leaving, orders
from app.participants.reading import read
from schemas.commands import CommitStock, ReleaseStock, ReserveStock


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
        self._letters = parked.Letters()
        self._known = Orders()

    async def run(self) -> Report:
        """The whole audit. Raises `LogUnreadable`, and what the stores raise."""
        self._reading = Reading(self._log, self._begin, self._report)
        tables = (books.ORDERS, books.INVENTORY, books.PAYMENTS, books.SHIPMENTS)
        kept = {table.name: await self._reading.book(table, self._memory) for table in tables}
        documents = await self._stores.read()
        self._reading.find_ends()
        await self._reading.batches(topics.DEAD_LETTERS, self._letters.take)
        blocked = set().union(*(self._unsure(it) for it in (topics.ORDERS, topics.PAYMENTS, topics.SHIPPING)))
        products = self._unsure(topics.INVENTORY)
        whole = not blocked and all(span.low == 0 for span in self._reading.spans[topics.ORDERS].values())

        order_turns = await self._orders(kept[books.ORDERS.name], blocked)
        waiting = Waiting(self._known, products)
        await self._errands(kept, waiting)
        markers = Markers(kept[books.INVENTORY.name], self._reading.committed, self._now_ms)
        stock_turns = await self._stock(kept[books.INVENTORY.name], markers, products, documents, waiting)
        waiting.judge(self._reading.committed, self._report)
        ledgers.judge(documents.payments, documents.shipments, self._known, whole, self._report)
        await self._order_facts(documents, whole)
        self._judge_letters(order_turns.parked | stock_turns.parked, markers.doubted)
        self._known.count(self._report)
        return self._report

    async def _orders(self, book: Book, blocked: set[str]) -> Turns:
        """Replay the orders, and judge their table; returns how their messages were taken."""
        topic, known = topics.ORDERS, self._known
        turns = Turns(orders.decide, self._letters.failures)
        log = Replay(books.ORDERS, topic, turns, book, self._reading.committed, self._cut(topic), known.note)
        await self._reading.each(topic, log.take)
        spans = self._reading.spans[topic]
        log.judge(spans, self._report, self._has_left(leaving.order_leaves_at_ms))
        known.close(log, book, spans, blocked, self._report)
        return turns

    async def _errands(self, kept: dict[str, Book], waiting: Waiting) -> None:
        """Judge payments and shipments by what their orders asked of them."""
        kinds = (PAYMENT_ERRANDS, SHIPMENT_ERRANDS)
        asked = {kind.what: await self._asked(kind, waiting) for kind in kinds}
        for kind in kinds:
            last = {order_id: it.last for order_id, it in asked[kind.what].items()}
            self._known.settle(kind.topic, last, self._reading.committed)
        gone = self._has_left(leaving.order_leaves_at_ms)
        for kind in kinds:
            spans = self._reading.spans[kind.topic]
            errands.judge(kind, asked[kind.what], kept[kind.table.name], self._known, self._report, gone, spans)

    async def _asked(self, kind: Errands, waiting: Waiting) -> dict[str, Asked]:
        asked: dict[str, Asked] = {}
        turns = Turns(lambda _rows, _record: Effects(), self._letters.failures)

        def take(records: list[LogRecord]) -> None:
            for order_id, command, record in errands.ask(kind, asked, records, self._reading.committed, turns):
                waiting.note(order_id, kind.leg, command, record)

        await self._reading.batches(kind.topic, take)
        return asked

    async def _stock(
        self, book: Book, markers: Markers, blocked: set[str], documents: Documents, waiting: Waiting
    ) -> Turns:
        """Replay the products, and judge their table and what was told of them; returns as `_orders`."""
        topic, spans = topics.INVENTORY, self._reading.spans[topics.INVENTORY]
        holdings = Holdings(self._report)
        told = StockFacts(documents.stock, self._reading.committed, self._report)

        def note(_key: str, row: Row, record: LogRecord) -> None:
            holdings.note(row, record)
            told.note(row, record)

        def take(record: LogRecord) -> None:
            log.take(record)
            command = _line_command(record)
            if command is not None:
                waiting.note(command.order_id, line_leg(command.product_id), command, record)

        turns = Turns(markers.decide, self._letters.failures)
        log = Replay(books.INVENTORY, topic, turns, book, self._reading.committed, self._cut(topic), note)
        await self._reading.each(topic, take)
        doubted = self._doubted(markers)
        log.leave_out(doubted)
        log.judge(spans, self._report, self._has_left(leaving.stock_leaves_at_ms))
        holdings.judge(log, self._known, spans, blocked | doubted)
        told.close({partition for partition, span in spans.items() if span.low == 0}, doubted, book)
        await self._reading.batches(topics.INVENTORY_EVENTS, told.take)
        if told.lacking():
            await self._reading.since(topics.INVENTORY_EVENTS, told.take_newer)
        told.judge()
        return turns

    async def _order_facts(self, documents: Documents, whole: bool) -> None:
        facts = OrderFacts(self._known, self._reading.committed, self._report)
        await self._reading.batches(topics.ORDER_EVENTS, facts.take)
        facts.judge(documents.orders, whole)

    def _has_left(self, leaves_at_ms: Callable[[Row], int | None]) -> HasLeft:
        def has_left(row: Row) -> bool:
            at_ms = leaves_at_ms(row)
            return at_ms is not None and at_ms <= self._now_ms()

        return has_left

    def _cut(self, topic: str) -> set[str]:
        return self._letters.cut(topic, self._reading.spans[topic])

    def _unsure(self, topic: str) -> set[str]:
        """The keys of which it is not known what becomes, or became, of their messages."""
        waiting, cut = self._letters.waiting(topic), self._cut(topic)
        if waiting:
            self._report.not_judged.append(f"{len(waiting)} keys of {topic} that wait behind a failed message")
        if cut:
            self._report.not_judged.append(f"{len(cut)} keys of {topic} whose failed messages retention has cut")
        return waiting | cut

    def _doubted(self, markers: Markers) -> set[str]:
        if markers.doubted:
            what = "products with a change of stock that came again when it may have been forgotten"
            self._report.not_judged.append(f"{len(markers.doubted)} {what}")
        return markers.doubted

    def _judge_letters(self, wanted: dict[Place, str], doubted: set[str]) -> None:
        spans = self._reading.spans
        replayed = {topic: spans[topic] for topic in (topics.ORDERS, topics.INVENTORY)}
        cut = any(span.low > 0 for span in spans[topics.DEAD_LETTERS].values())
        unsure = self._letters.places_of(topics.INVENTORY, doubted)
        wanted = {place: why for place, why in wanted.items() if place not in unsure}
        parked.judge(wanted, self._letters.places - unsure, replayed, self._reading.committed, cut, self._report)


def _line_command(record: LogRecord) -> ReserveStock | ReleaseStock | CommitStock | None:
    """The command of an order to its line in this record."""
    try:
        command: Record = read(topics.read_stock_command, record, "product_id")
    except Refused:
        return None
    return command if isinstance(command, ReserveStock | ReleaseStock | CommitStock) else None
