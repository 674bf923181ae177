"""Feeds orders through Kafka, a fixed number of them in the air, and counts what is settled by the ends of the log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from confluent_kafka import Producer

from bench.house import System
from schemas.codec import encode
from schemas.commands import PlaceOrder, SetStock

PLENTY = 1_000_000_000
LOOK_EVERY_S = 0.02
STUCK_S = 60.0

Make: TypeAlias = Callable[[int], tuple[str, bytes]]
"""Makes the key and the value of the order with this number."""


def products(count: int) -> list[str]:
    """The ids of so many products."""
    return [f"product-{number:03d}" for number in range(count)]


def orders(prefix: str, lines: int, product_ids: list[str]) -> Make:
    """Orders of so many lines, spread evenly over the products."""

    def make(number: int) -> tuple[str, bytes]:
        chosen = (product_ids[(number * lines + line) % len(product_ids)] for line in range(lines))
        order_id = f"{prefix}-{number:07d}"
        items = tuple((product_id, 1) for product_id in chosen)
        return order_id, encode(PlaceOrder(order_id, "user-1", items, "0123456789abcdef"))

    return make


def producer_settings(bootstrap: str, linger_s: float = 0.001) -> dict[str, Any]:
    """What librdkafka is told, to put records where the workers look for them, and all of them."""
    return {
        "bootstrap.servers": bootstrap,
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "linger.ms": linger_s * 1000,
        "queue.buffering.max.messages": 500_000,
    }


class Feed:
    """Sends orders of `lines` lines into a system, as the records that `make` makes.

    `traced` is how many of them belong to a recorded trace, as a share.
    """

    def __init__(self, system: System, make: Make, lines: int, traced: float = 0.0) -> None:
        self._traced = traced
        self.placed = 0
        self._system = system
        self._make = make
        self._records_an_order = 4 + 2 * lines  # the order itself, two replies a line, three of payment and shipment
        self._topic = system.topic("orders")
        self._producer = Producer(producer_settings(system.house.kafka.bootstrap) | {"log_level": 0})

    def supply(self, product_ids: list[str]) -> None:
        """Give every product more pieces than will ever be asked for."""
        topic = self._system.topic("inventory")
        for product_id in product_ids:
            command = SetStock(
                product_id, f"supply-{product_id}", quantity=PLENTY, price_minor=100, currency="EUR", name=product_id
            )
            self._producer.produce(topic, encode(command), product_id.encode())
        self._producer.flush()

    def place(self, count: int) -> None:
        """Send so many more orders."""
        for _ in range(count):
            order_id, value = self._make(self.placed)
            is_traced = int((self.placed + 1) * self._traced) > int(self.placed * self._traced)
            headers = _trace(self.placed) if is_traced else None
            self._producer.produce(self._topic, value, order_id.encode(), headers=headers)
            self.placed += 1
        self._producer.poll(0)

    def settled(self) -> float:
        """How many orders are settled; one that is half way through counts for a half."""
        return (self._system.records_in("orders") - self.placed) / (self._records_an_order - 1)

    def keep(self, in_the_air: int) -> Iterator[float]:
        """Keep so many orders under way, for as long as the caller goes on; yields how many are settled."""
        best, since_s = -1.0, time.monotonic()
        while True:
            done = self.settled()
            if done > best:
                best, since_s = done, time.monotonic()
            elif time.monotonic() - since_s > STUCK_S:
                raise RuntimeError(f"nothing moved for {STUCK_S:.0f} s, {done:.0f} of {self.placed} settled")
            self.place(max(0, round(in_the_air - (self.placed - done))))
            yield done
            time.sleep(LOOK_EVERY_S)

    def finish(self) -> None:
        """Wait until all that was placed is settled."""
        self._producer.flush()
        for done in self.keep(0):
            if done >= self.placed:
                return


def _trace(number: int) -> list[tuple[str, str | bytes | None]]:
    return [("traceparent", f"00-{number + 1:032x}-{number + 1:016x}-01".encode())]
