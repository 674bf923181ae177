"""How long orders stood still, by the log: the broker's own time of each step, whatever workers and clients say."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import orjson

from app.adapters.kafka_log import KafkaLog, LogRecord

AT_REST = frozenset(f"order.{status}.v1" for status in ("shipped", "rejected", "cancelled", "needs-attention"))


class Standstill(NamedTuple):
    """The longest time between two steps of one order, in milliseconds, and when it began, in those since 1970."""

    order_id: str
    waited_ms: int
    since_ms: int


class Story(NamedTuple):
    """What the log tells: `longest` first, each order's longest standstill; `unfinished` orders are not at rest."""

    longest: list[Standstill]
    unfinished: list[str]

    @property
    def worst_ms(self) -> int:
        """The longest of all."""
        return self.longest[0].waited_ms if self.longest else 0


async def story(bootstrap: str, topic_prefix: str = "") -> Story:
    """Read all orders: the time from one message or fact about an order to the next counts, until it is at rest."""
    log = KafkaLog(bootstrap, "bench")
    try:
        records: list[LogRecord] = []
        for name in ("orders", "orders.events"):
            topic = topic_prefix + name
            async for batch in log.batches(topic, log.spans(topic)):
                records += batch
    finally:
        log.close()
    return told(records)


def told(records: Iterable[LogRecord]) -> Story:
    """What these messages and facts tell."""
    steps: dict[str, list[int]] = {}
    ended_ms: dict[str, int] = {}
    for record in records:
        if record.key is None or record.value is None:
            continue
        order_id = record.key.decode()
        steps.setdefault(order_id, []).append(record.timestamp)
        if orjson.loads(record.value)["__faust"]["ns"] in AT_REST:
            ended_ms[order_id] = min(record.timestamp, ended_ms.get(order_id, record.timestamp))
    longest = [_longest(order_id, times, ended_ms.get(order_id)) for order_id, times in steps.items()]
    return Story(sorted(longest, key=lambda it: -it.waited_ms), sorted(steps.keys() - ended_ms))


def _longest(order_id: str, at_ms: list[int], ended_ms: int | None) -> Standstill:
    # What comes after the end are answers given again, which nobody waits for.
    times_ms = sorted(it for it in at_ms if ended_ms is None or it <= ended_ms)
    waits = [(after - before, before) for before, after in pairwise(times_ms)]
    waited_ms, since_ms = max(waits, default=(0, times_ms[0]))
    return Standstill(order_id, waited_ms, since_ms)
