"""A small shop in memory: its log, its changelogs, its MongoDB and its ledgers, made by the real participants.

One partition a topic, one message after the other. A test spoils a part of it and sees what the audit says.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Any

from app import topics
from app.adapters.kafka_log import Committed, LogRecord, Span, Spans
from app.audit import books
from app.audit.books import Table
from app.audit.facts import Shown
from app.audit.ledgers import Entry
from app.audit.reading import CONSUMED
from app.audit.report import Kind, Report
from app.audit.run import Audit
from app.audit.stores import Documents
from app.cli import letters as mail
from app.cli.letters import Letter, Name
from app.delivery import ConsumerRecord, Effects, Headers, Rows, Send
from app.delivery.blocking import Blocking
from app.delivery.queues import Queues
from app.delivery.stats import Stats
from app.domain import saga
from app.participants import inventory, orders, payments, shipping
from app.participants.ends import Ended
from schemas.codec import encode
from schemas.commands import CancelOrder, PlaceOrder, SetStock
from schemas.dead_letters import Action
from schemas.facts import OrderFact
from schemas.rows import PaymentRow, ShipmentRow

DECLINED, NOWHERE = "declined", {"country": "XX"}


class History:
    """What has happened in the shop. `records` are all topics and changelogs, `done` how much of each is handled."""

    def __init__(self) -> None:
        self.records: defaultdict[str, list[LogRecord]] = defaultdict(list)
        self.rows: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self.documents = Documents({}, {}, [], [])
        self.low: dict[str, int] = {}
        self.now_ms = 0
        """What the audit takes for now, and messages for their time, a second later."""
        self.poison = b""
        """What raises where it stands in a message; nothing when empty."""
        self.meanwhile: dict[str, Callable[[], object]] = {}
        """What happens, once, while the audit is about to read this topic."""
        self.queues: defaultdict[str, Queues] = defaultdict(Queues)
        self.done: defaultdict[str, int] = defaultdict(int)

    def place(self, order_id: str, method: str | None = None, address: Any = None, **lines: int) -> None:
        """An order, carried to its end."""
        placed = PlaceOrder(order_id, "ada", tuple(lines.items()), order_id, method=method, address=address)
        self.send(topics.ORDERS, order_id, placed)
        self.run()

    def supply(self, product_id: str, quantity: int) -> None:
        self.send(topics.INVENTORY, product_id, SetStock(product_id, f"s-{product_id}", 100, "EUR", quantity=quantity))
        self.run()

    def cancel(self, order_id: str) -> None:
        self.send(topics.ORDERS, order_id, CancelOrder(order_id))
        self.run()

    def send(self, topic: str, key: str, message: Any) -> None:
        self.append(topic, key.encode(), encode(message))

    def append(self, topic: str, key: bytes | None, value: bytes | None, headers: Headers = ()) -> None:
        log = self.records[topic]
        log.append(LogRecord(topic, 0, len(log), self.now_ms + 1_000 + len(log), key, value, headers))

    def handle(self, topic: str, offset: int, action: Action, value: bytes | None = None) -> None:
        """Replay or drop the letter of that message, as a person does."""
        (letter,) = (it for it in self.letters() if it.name == Name(topic, 0, offset))
        sent = mail.replay(letter, value) if action is Action.REPLAY else mail.drop(letter)
        assert sent is not None
        self.append(topic, sent.key, sent.value, sent.headers)
        done = mail.record_of(letter, action, "ada", "a test", value, topics.DEAD_LETTERS)
        self.append(done.topic, done.key, done.value)
        self.run()

    def letters(self) -> list[Letter]:
        """The letters as they are now."""
        told = ((topics.read_dead_letter(it.value), 0) for it in self.records[topics.DEAD_LETTERS])
        return list(mail.found(told).values())

    def run(self, *only: str) -> None:
        """Handle every message that waits, of all topics or of these."""
        decisions: dict[str, tuple[Table, Callable[..., Effects]]] = {
            topics.ORDERS: (books.ORDERS, orders.decide),
            topics.INVENTORY: (books.INVENTORY, inventory.decide),
            topics.PAYMENTS: (books.PAYMENTS, partial(payments.decide, gateway="g")),
            topics.SHIPPING: (books.SHIPMENTS, partial(shipping.decide, carrier="c")),
        }
        taken = only or tuple(decisions)
        while any(self.done[topic] < len(self.records[topic]) for topic in taken):
            for topic in taken:
                for record in self.records[topic][self.done[topic] :]:
                    self.done[topic] += 1
                    self._handle(*decisions[topic], record)

    def _handle(self, table: Table, decide: Callable[..., Effects], record: LogRecord) -> None:
        def decide_or_fail(rows: Rows, record: ConsumerRecord) -> Effects:
            if self.poison and self.poison in (record.value or b""):
                raise ValueError("poison")
            return decide(rows, record)

        rows, queues = self.rows[table.name], self.queues[record.topic]
        effects, offset, entry = Blocking(decide_or_fail, topics.park, Stats()).handle(rows, queues, record)
        if entry is not None:
            queues.put(record.key or b"", offset, entry)
        self._keep(table, effects)
        key = (record.key or b"").decode()
        while isinstance(row := rows.get(key), PaymentRow | ShipmentRow) and (pending := self._pending(row)):
            self._keep(table, self._call(rows, key, row, pending.operation.value))

    @staticmethod
    def _pending(row: PaymentRow | ShipmentRow) -> Any:
        return row.payment.pending if isinstance(row, PaymentRow) else row.shipment.pending

    def _call(self, rows: dict[str, Any], key: str, row: PaymentRow | ShipmentRow, operation: str) -> Effects:
        if isinstance(row, PaymentRow):
            ok = row.method != DECLINED
            self.documents.payments.append(Entry(key, operation, ok, row.amount_minor, row.currency))
            return payments.settle(rows, key, Ended(ok, "ref", "", 1, 5))
        ok = row.address != NOWHERE
        self.documents.shipments.append(Entry(key, operation, ok, 0, ""))
        return shipping.settle(rows, key, Ended(ok, "ref", "", 1, 5))

    def _keep(self, table: Table, effects: Effects) -> None:
        for key, row in effects.rows:
            self.rows[table.name][key] = row
            self.append(table.changelog, key.encode(), encode(row))
        for send in effects.sends:
            self._send(send)

    def _send(self, send: Send) -> None:
        self.append(send.topic, send.key, send.value)
        if send.topic == topics.ORDER_EVENTS:
            fact: OrderFact = topics.read_order_fact(send.value)
            status = saga.STATUS[fact.order.state].value
            self.documents.orders[fact.order_id] = Shown(fact.change.version, status)
        if send.topic == topics.INVENTORY_EVENTS:
            stock = topics.read_stock_fact(send.value)
            self.documents.stock[stock.product_id] = Shown(stock.version, (stock.stock.on_hand, stock.stock.reserved))

    def audit(self) -> Report:
        """What the audit says of all this."""
        audit = Audit(
            self._Log(self), self._Stores(self), lambda _title, _total: lambda _count: None, now_ms=lambda: self.now_ms
        )
        return asyncio.run(audit.run())

    def found(self) -> list[tuple[Kind, tuple[str, ...], tuple[str, ...]]]:
        """The differences: kind, orders, products."""
        return [(it.kind, it.orders, it.products) for it in self.audit().differences]

    class _Log:
        def __init__(self, history: History) -> None:
            self._history = history

        def spans(self, topic: str) -> Spans:
            return {0: Span(self._history.low.get(topic, 0), len(self._history.records[topic]))}

        def committed(self, asked: Iterable[str]) -> Committed:
            assert set(asked) == set(CONSUMED)
            told = (topics.ORDER_EVENTS, topics.INVENTORY_EVENTS)
            projected = {(topic, 0): len(self._history.records[topic]) for topic in told}
            return projected | {(topic, 0): offset for topic, offset in self._history.done.items()}

        async def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
            self._history.meanwhile.pop(topic, lambda: None)()
            for record in self._history.records[topic][spans[0].low : spans[0].end]:
                yield [record]

    class _Stores:
        def __init__(self, history: History) -> None:
            self._history = history

        async def read(self) -> Documents:
            orders, stock, paid, shipped = self._history.documents
            return Documents(dict(orders), dict(stock), list(paid), list(shipped))
