"""How long a worker takes to start: empty, and with rows in changelogs as they are written, or compacted."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from app.embedded.api import WorkerApi
from app.embedded.processes import Child
from bench.house import House, System
from bench.past import Past
from bench.processes import cpu_s

READY_S: Final = 600.0
"""How long a start may take: it reads every version that each row has had, until compaction leaves the last."""


@dataclass(frozen=True, slots=True)
class Start:
    """What a worker found in its changelogs, and the seconds and CPU seconds until it was ready: medians."""

    rows: int
    records: int
    ready_s: float
    cpu_s: float


def started(system: System, **environment: str) -> tuple[Child, float]:
    """A worker, ready, and how long that took."""
    began_s = time.monotonic()
    child = system.start_worker(environment=environment, ready_s=READY_S)
    return child, time.monotonic() - began_s


def rows(system: System) -> int:
    """How many rows the worker holds."""
    status, told = WorkerApi(system.port).call("GET", "/tables")
    return sum(table["rows"] for table in told["tables"]) if status == 200 else -1


def measure_starts(house: House, orders: Sequence[int], rounds: int) -> list[Start]:
    """So many starts on an empty system, and after each of these numbers of orders, compacted and not."""
    found = [_after(house, 0, rounds, every_version=False)]
    for count in orders:
        found += [_after(house, count, rounds, every_version=it) for it in (False, True)]
    return found


def _after(house: House, orders: int, rounds: int, *, every_version: bool) -> Start:
    with house.system() as system:
        system.start_worker().stop(30)  # makes the topics
        past = Past(system, every_version=every_version)
        past.write(orders)
        seen: list[tuple[float, float]] = []
        for _ in range(rounds):
            child, ready_s = started(system)
            seen.append((ready_s, cpu_s(child.pid)))
            held = rows(system)
            child.stop(30)
        ready_s, spent_s = (statistics.median(column) for column in zip(*seen, strict=True))
        return Start(held, past.versions, ready_s, spent_s)
