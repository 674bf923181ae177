"""How fast facts get into MongoDB: the projection's way and a whole rebuild, against one upsert a fact in the same run.

`python -m bench.projection` needs no broker: the facts of a made-up shop are in memory, in the order in which a
partition would hold them.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, TypeAlias

from app import topics
from app.adapters import mongo
from app.adapters.kafka_log import Committed, LogRecord, Span, Spans
from app.adapters.projection_writes import ProjectionWrites, save_newest
from app.adapters.read_model import ReadModel
from app.adapters.rebuilding import Rebuilding
from app.embedded.mongod import EmbeddedMongod, find_mongod
from app.projection.documents import ORDER_PART, STOCK_PART, documents
from app.projection.rebuild import Rebuild
from bench.figures import ratio, spread
from tests.unit.audit.history import History

SLICE: Final = 2_000
"""Records that a follower takes at once when it is behind."""
IN_THE_AIR: Final = 100
"""Orders whose facts lie between each other's."""
PRODUCTS: Final = 50

Write: TypeAlias = Callable[[Sequence[LogRecord]], Awaitable[None]]


class Facts(NamedTuple):
    """A log that holds these facts of orders in one partition, and nothing else."""

    records: Sequence[LogRecord]

    def spans(self, topic: str) -> Spans:
        """See `Log`."""
        return {0: Span(0, len(self.records) if topic == ORDER_PART.topic else 0)}

    def committed(self, topics: Iterable[str]) -> Committed:
        """See `Log`."""
        return dict.fromkeys(((topic, 0) for topic in topics), 0)

    async def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
        """See `Log`."""
        low, end = spans[0]
        for first in range(low, end if topic == ORDER_PART.topic else low, SLICE):
            yield list(self.records[first : min(first + SLICE, end)])


class Run(NamedTuple):
    """What writing all facts took: seconds, and seconds of this process's processor."""

    took_s: float
    cpu_s: float


def facts_of(orders: int) -> list[LogRecord]:
    """The facts of so many orders, as they come when `IN_THE_AIR` of them are carried through at once."""
    shop = History()
    for number in range(PRODUCTS):
        shop.supply(f"p{number}", 1_000_000)
    for number in range(orders):
        shop.place(f"o{number}", None, None, **{f"p{(number + line) % PRODUCTS}": 1 for line in range(3)})
    told = shop.records[topics.ORDER_EVENTS]
    steps = len(told) // orders
    mixed = [
        told[order * steps + step]
        for first in range(0, orders, IN_THE_AIR)
        for step in range(steps)
        for order in range(first, min(first + IN_THE_AIR, orders))
    ]
    return [record._replace(offset=offset) for offset, record in enumerate(mixed)]


async def measured(database: mongo.Database, work: Awaitable[object]) -> Run:
    """Do the work on an empty database."""
    await database.client.drop_database(database.name)
    await ReadModel(database).prepare()
    began_s, cpu_s = time.perf_counter(), time.process_time()
    await work
    return Run(time.perf_counter() - began_s, time.process_time() - cpu_s)


async def projected(facts: Sequence[LogRecord], write: Write) -> None:
    """Write all facts, slice by slice."""
    for first in range(0, len(facts), SLICE):
        await write(facts[first : first + SLICE])


async def compare(url: str, orders: int, runs: int) -> None:
    """Print both ways, and their ratio."""
    database = mongo.database(url, "bench")
    writes = ProjectionWrites(database)
    facts = facts_of(orders)

    async def every_fact(records: Sequence[LogRecord]) -> None:
        for record in records:
            await save_newest(database[ORDER_PART.collection], list(documents(ORDER_PART, [record])))

    async def newest(records: Sequence[LogRecord]) -> None:
        await writes.save(ORDER_PART.collection, documents(ORDER_PART, records))

    def rebuild() -> Rebuild:
        return Rebuild(
            Facts(facts), Rebuilding(database, [ORDER_PART.collection, STOCK_PART.collection], "bench"), quiet
        )

    ways: dict[str, Callable[[], Awaitable[object]]] = {
        "one upsert a fact": lambda: projected(facts, every_fact),
        "the projection": lambda: projected(facts, newest),
        "a rebuild": lambda: rebuild().run(),
    }
    print(f"{len(facts)} facts of {orders} orders, {runs} runs each, in turn")
    taken: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, way in ways.items():
            taken[name].append(await measured(database, way()))
            assert await database[ORDER_PART.collection].count_documents({"status": "SHIPPED"}) == orders, name
    baseline = spread([len(facts) / it.took_s for it in taken["one upsert a fact"]])
    for name, done in taken.items():
        rate = spread([len(facts) / it.took_s for it in done])
        cpu_us = spread([it.cpu_s / len(facts) * 1e6 for it in done])
        print(
            f"{name:18} {rate.median:9,.0f} facts/s ({rate.low:,.0f}-{rate.high:,.0f}), "
            f"{cpu_us.median:6,.0f} µs of processor a fact, ratio {ratio(rate, baseline):.1f}"
        )
    database.client.close()


def quiet(_title: str, _total: int) -> Callable[[int], None]:
    """Show no progress."""
    return lambda _count: None


def main() -> None:
    """Measure on a MongoDB of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=2_000)
    parser.add_argument("--runs", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as home, EmbeddedMongod(Path(home), find_mongod()) as server:
        asyncio.run(compare(server.url, given.orders, given.runs))


if __name__ == "__main__":
    main()
