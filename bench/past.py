"""A past of finished orders, written into Kafka as workers write it, but without their waiting.

Every message of each order goes through the participants' own decisions, at the offsets that it then has in the log. Of
the changelogs there is what compaction leaves, the last row of each key, or every version as it was written; and of the
facts the last of each order.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from confluent_kafka import Consumer, Producer, TopicPartition

from app import topics
from app.adapters.kafka_log import LogRecord
from app.delivery import Effects
from app.delivery.partitioning import partition_of
from app.participants import inventory, orders, payments, shipping
from app.participants.ends import Ended
from bench.feed import producer_settings, products
from bench.house import PARTITIONS, System
from schemas.codec import encode
from schemas.commands import PlaceOrder, SetStock

DECIDE: Final[dict[str, Callable[..., Effects]]] = {
    topics.ORDERS: orders.decide,
    topics.INVENTORY: inventory.decide,
    topics.PAYMENTS: partial(payments.decide, gateway="simulated"),
    topics.SHIPPING: partial(shipping.decide, carrier="simulated"),
}
SETTLE: Final = {topics.PAYMENTS: payments.settle, topics.SHIPPING: shipping.settle}
TABLES: Final = {
    topics.ORDERS: "orders",
    topics.INVENTORY: "inventory",
    topics.PAYMENTS: "payments",
    topics.SHIPPING: "shipments",
}
PRODUCTS: Final = 50
FLUSH_EVERY: Final = 20_000
PLENTY: Final = 1_000_000_000
LINGER_S: Final = 0.02
QUIET: Final = {"log_level": 2}
"""For librdkafka, which would tell that the broker has gone at the end."""


class Past:
    """Writes into the topics of `system`, which must be there and empty, and whose workers must have stopped.

    `every_version` leaves the changelogs uncompacted. `versions` counts what was written into them.
    """

    def __init__(self, system: System, *, every_version: bool = False) -> None:
        self.versions = 0
        self._system = system
        self._every_version = every_version
        self._producer = Producer(producer_settings(system.house.kafka.bootstrap, LINGER_S) | QUIET)
        self._ends: Counter[tuple[str, int]] = Counter()
        self._partitions: dict[bytes, int] = {}
        self._rows: defaultdict[str, dict[str, Any]] = defaultdict(dict)
        self._sent = 0

    def write(self, orders: int) -> None:
        """All of it: `PRODUCTS` products, so many orders of one piece, and what the workers have committed by then."""
        product_ids = products(PRODUCTS)
        self._supply(product_ids)
        for number in range(orders):
            self._order(f"order-{number:07d}", product_ids[number % PRODUCTS])
        self._close()

    def _supply(self, product_ids: list[str]) -> None:
        """Give every product more pieces than will ever be asked for."""
        for product_id in product_ids:
            told = {"price_minor": 100, "currency": "EUR", "name": product_id, "quantity": PLENTY}
            command = SetStock(product_id, f"supply-{product_id}", **told)
            self._happen(topics.INVENTORY, product_id.encode(), encode(command))

    def _order(self, order_id: str, product_id: str) -> None:
        """One order of one line, from its beginning to its end."""
        placed = PlaceOrder(order_id, "user-1", ((product_id, 1),), "0123456789abcdef")
        facts, written = self._happen(topics.ORDERS, order_id.encode(), encode(placed))
        for topic, key in written:
            if key == product_id:  # its own row is written when all has happened
                continue
            row = self._rows[topic].pop(key)
            if not self._every_version:
                whose = product_id if topic == topics.INVENTORY else order_id
                self._write_row(topic, key, whose.encode(), row)
        self._produce(self._system.topic(topics.ORDER_EVENTS), order_id.encode(), facts[-1])
        self._partitions.pop(order_id.encode(), None)

    def _close(self) -> None:
        """Write the products' own rows, and commit everything in the name of the workers."""
        for topic, rows in self._rows.items():
            for key, row in rows.items():
                self._write_row(topic, key, key.split("/")[0].encode(), row)
        self._producer.flush()
        bootstrap = self._system.house.kafka.bootstrap
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": self._system.name})
        ends = [TopicPartition(self._system.topic(topic), number, end) for (topic, number), end in self._ends.items()]
        consumer.commit(offsets=ends, asynchronous=False)
        consumer.close()

    def _happen(self, topic: str, key: bytes, value: bytes) -> tuple[list[bytes], dict[tuple[str, str], None]]:
        """A message and all that follows from it; returns the facts about orders, and the rows that changed."""
        facts, written = list[bytes](), dict[tuple[str, str], None]()
        waiting = deque([(topic, key, value)])
        while waiting:
            topic, key, value = waiting.popleft()
            effects = self._decide(topic, key, value)
            while True:
                for row_key, row in effects.rows:
                    self._rows[topic][row_key] = row
                    written[topic, row_key] = None
                    if self._every_version:
                        self._write_row(topic, row_key, key, row)
                for send in effects.sends:
                    if send.topic in DECIDE:
                        waiting.append((send.topic, send.key, send.value))
                    elif send.topic == topics.ORDER_EVENTS:
                        facts.append(send.value)
                if not self._is_called(topic, key.decode()):
                    break
                ended = Ended(True, "ref", "", 1, _now_ms())
                effects = SETTLE[topic](self._rows[topic], key.decode(), ended)
        return facts, written

    def _decide(self, topic: str, key: bytes, value: bytes) -> Effects:
        partition = self._partition_of(key)
        record = LogRecord(topic, partition, self._ends[topic, partition], _now_ms(), key, value)
        self._ends[topic, partition] += 1
        self._produce(self._system.topic(topic), key, value)
        return DECIDE[topic](self._rows[topic], record)

    def _is_called(self, topic: str, key: str) -> bool:
        row = self._rows[topic].get(key) if topic in SETTLE else None
        errand = getattr(row, "payment", None) or getattr(row, "shipment", None)
        return errand is not None and errand.pending is not None

    def _write_row(self, topic: str, key: str, message_key: bytes, row: Any) -> None:
        self.versions += 1
        changelog = f"{self._system.name}-{TABLES[topic]}-changelog"
        self._produce(changelog, key.encode(), encode(row), self._partition_of(message_key))

    def _partition_of(self, key: bytes) -> int:
        if key not in self._partitions:
            self._partitions[key] = partition_of(key, PARTITIONS)
        return self._partitions[key]

    def _produce(self, topic: str, key: bytes, value: bytes, partition: int | None = None) -> None:
        self._producer.produce(topic, value, key, self._partition_of(key) if partition is None else partition)
        self._sent += 1
        if self._sent % FLUSH_EVERY == 0:
            self._producer.flush()


def _now_ms() -> int:
    return int(time.time() * 1000)
