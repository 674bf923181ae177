"""Finished orders in a worker: what they cost in memory and at its start, and what is left of that after retention.

`python -m bench.retention --orders 200000`. One worker, eight partitions, a Kafka and a mongod of its own. The past is
written by `bench.past`; recovery, the projection, the forgetting and the compaction are the real ones, only sooner: the
orders are kept for a second, and the changelogs are compacted at once.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Producer
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from bench.house import PARTITIONS, System, open_house
from bench.past import PRODUCTS, QUIET, TABLES, Past
from bench.processes import memory_bytes
from bench.starts import rows, started

STARTS: Final = 3
IDLE_S: Final = 6.0
LIMIT_S: Final = 1_200.0
AT_ONCE: Final = {
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "1000",
    "min.cleanable.dirty.ratio": "0.001",
    "segment.ms": "1000",
    "delete.retention.ms": "1000",
}
FORGETFUL: Final = {"ORDER_RETENTION_S": "1", "LONGEST_PAUSE_S": "1", "ANSWER_KEPT_S": "1"}
MIB: Final = 2**20


@dataclass(frozen=True, slots=True)
class Start:
    """How long a worker took until it was ready, and what it then held."""

    ready_s: float
    memory_bytes: float
    rows: int


def measured(system: System, settled: Callable[[], bool], starts: int = 1) -> Start:
    """The median of so many starts; memory once it is `settled` and was idle for a while."""
    found = []
    for _ in range(starts):
        child, ready_s = started(system)
        wait(settled)
        time.sleep(IDLE_S)
        found.append((ready_s, memory_bytes(child.pid), rows(system)))
        child.stop(30)
    ready_s, memory, count = (statistics.median(column) for column in zip(*found, strict=True))
    return Start(ready_s, memory, int(count))


def wait(until: Callable[[], bool]) -> None:
    """Wait for it, or raise `TimeoutError`."""
    deadline_s = time.monotonic() + LIMIT_S
    while not until():
        if time.monotonic() > deadline_s:
            raise TimeoutError("not settled")
        time.sleep(0.5)


def compact(system: System) -> None:
    """Have the changelogs compacted, and wait until next to nothing is left of them."""
    changelogs = [f"{system.name}-{table}-changelog" for table in TABLES.values()]
    for name in changelogs:
        entries = [ConfigEntry(it, value, incremental_operation=AlterConfigOpType.SET) for it, value in AT_ONCE.items()]
        resource = ConfigResource(ResourceType.TOPIC, name, incremental_configs=entries)
        system.house.admin.incremental_alter_configs([resource])[resource].result(10)
    producer = Producer({"bootstrap.servers": system.house.kafka.bootstrap, **QUIET})

    def is_small() -> bool:
        for name in changelogs:  # a segment is rolled, and may be compacted, when one more record comes
            for partition in range(PARTITIONS):
                producer.produce(name, None, b"roll", partition)
        producer.flush()
        time.sleep(2.0)
        return changelog_bytes(system) < MIB

    wait(is_small)


def changelog_bytes(system: System) -> int:
    """What the broker keeps of the changelogs."""
    logs = (system.house.home / "kafka" / "data").glob(f"{system.name}-*-changelog-*/*.log")
    return sum(log.stat().st_size for log in logs if log.exists())


def run(orders: int, say: Callable[[str], None]) -> dict[str, Any]:
    """The whole measurement. Raises `TimeoutError`."""
    with open_house() as house, house.system() as system:
        say("an empty worker")
        measured(system, lambda: True)  # makes the topics, and warms the caches
        empty = measured(system, lambda: True, STARTS)
        began_s = time.monotonic()
        Past(system).write(orders)
        say(f"{orders:,} orders written in {time.monotonic() - began_s:.0f} s")

        before_bytes = changelog_bytes(system)
        before = measured(system, lambda: system.database["orders"].estimated_document_count() == orders)
        say(f"before: {before}")
        child, _ = started(system, **FORGETFUL)
        began_s = time.monotonic()
        wait(lambda: rows(system) == PRODUCTS)
        forgotten_s = time.monotonic() - began_s
        time.sleep(IDLE_S)
        same = memory_bytes(child.pid)
        child.stop(30)
        say(f"forgotten in {forgotten_s:.0f} s")
        compact(system)
        after = measured(system, lambda: True, STARTS)
        return {
            "orders": orders,
            "empty": told(empty),
            "before": {**told(before), "changelogMiB": round(before_bytes / MIB, 1)},
            "bytesAnOrder": round((before.memory_bytes - empty.memory_bytes) / orders),
            "forgetting": {
                "seconds": round(forgotten_s, 1),
                "ordersPerS": round(orders / forgotten_s),
                "memoryOfTheSameWorkerMiB": round(same / MIB, 1),
            },
            "after": {**told(after), "changelogMiB": round(changelog_bytes(system) / MIB, 1)},
            "ratios": {
                "memory": round(after.memory_bytes / empty.memory_bytes, 3),
                "start": round(after.ready_s / empty.ready_s, 3),
            },
        }


def told(start: Start) -> dict[str, float]:
    """A start as the report has it."""
    return {"readyS": round(start.ready_s, 2), "memoryMiB": round(start.memory_bytes / MIB, 1), "rows": start.rows}


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.retention", description=__doc__)
    parser.add_argument("--orders", type=int, default=200_000, help="how many finished orders (default 200000)")
    chosen = parser.parse_args()
    print(json.dumps(run(chosen.orders, lambda line: print(line, flush=True)), indent=2))


if __name__ == "__main__":
    main()
