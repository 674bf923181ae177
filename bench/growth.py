"""What an order costs, and what a worker holds, after many orders; and how long it then takes to start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.feed import Feed, orders, products
from bench.house import House
from bench.processes import cpu_s, memory_bytes
from bench.starts import started
from bench.throughput import Load, Rate, measure


@dataclass(frozen=True, slots=True)
class Stage:
    """After so many orders: what one more costs, and the worker's memory."""

    orders: int
    rate: Rate
    memory_mb: float


@dataclass(frozen=True, slots=True)
class Growth:
    """All stages, and the start of a worker that finds all their rows: seconds until it is ready, and CPU seconds."""

    stages: list[Stage]
    start_s: float
    start_cpu_s: float


def measure_growth(house: House, counts: Sequence[int], seconds: float) -> Growth:
    """Feed one system until it has settled each of these numbers of orders, and measure there for so many seconds."""
    load = Load(seconds=seconds)
    with house.system() as system:
        worker = system.start_worker()
        product_ids = products(load.product_count)
        feed = Feed(system, orders(system.name, 1, product_ids), 1)
        feed.supply(product_ids)
        stages: list[Stage] = []
        for count in sorted(counts):
            for done in feed.keep(load.in_the_air):
                if done >= count:
                    break
            rate = measure(feed, load, system)
            stages.append(Stage(round(feed.settled()), rate, memory_bytes(worker.pid) / 1e6))
        feed.finish()
        worker.stop(20)
        system.workers.remove(worker)
        again, ready_s = started(system)
        return Growth(stages, ready_s, cpu_s(again.pid))
