"""`make bench`: everything, several times in turn, as a table and as JSON; `--quick` for a first look.

Every figure is a median over the rounds, with the lowest and the highest beside it. Baselines are measured in the same
rounds, so that a busy machine slows them down, too: trust the ratios and the CPU columns.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bench import growth, starts, throughput, web
from bench.figures import ratio, spread
from bench.house import House, open_house
from bench.throughput import Load, Rate

PARTS = ("throughput", "latency", "http", "growth", "starts")
Variant = tuple[str, Callable[[House], Rate]]


def variants(seconds: float) -> list[Variant]:
    """What is fed through Kafka: our own ways, and what they are compared with."""
    return [
        ("ours, 1 line", lambda house: throughput.ours(house, Load(seconds=seconds))),
        ("raw loop, 1 line", lambda house: throughput.raw(house, Load(seconds=seconds))),
        ("naive Faust, 1 line", lambda house: throughput.naive(house, Load(seconds=seconds, in_the_air=300))),
        ("ours, 3 lines", lambda house: throughput.ours(house, Load(3, seconds=seconds))),
        ("ours, 1 line, 1 product", lambda house: throughput.ours(house, Load(product_count=1, seconds=seconds))),
    ]


def compare(house: House, rounds: int, seconds: float, console: Console) -> dict[str, Any]:
    """Every variant once a round; the first is what the ratios of the others refer to."""
    measured: dict[str, list[Rate]] = {name: [] for name, _ in variants(seconds)}
    for _ in range(rounds):
        for name, run in variants(seconds):
            measured[name].append(run(house))
    cpu_columns = ("worker µs", "kafka µs", "mongod µs", "others' cores")
    table = Table("from Kafka", "orders/s", "low-high", "ours is x times", *cpu_columns, "MongoDB behind s")
    first = spread([it.orders_per_s for it in next(iter(measured.values()))])
    for name, runs in measured.items():
        rate = spread([it.orders_per_s for it in runs])
        cpu = [spread([getattr(it, f"{part}_us") for it in runs]).median for part in ("worker", "kafka", "mongod")]
        times = ratio(first, rate)
        behind_s = spread([it.behind_s for it in runs]).median
        others = spread([it.foreign_cores for it in runs]).median
        table.add_row(
            *(name, f"{rate.median:.0f}", f"{rate.low:.0f}-{rate.high:.0f}", f"{times:.2f}" if times else "-"),
            *(f"{it:.0f}" for it in cpu),
            f"{others:.2f}",
            f"{behind_s:.1f}" if behind_s else "-",
        )
    console.print(table)
    return {name: [dataclasses.asdict(it) for it in runs] for name, runs in measured.items()}


def pace(house: House, rates: Sequence[float], seconds: float, console: Console) -> list[dict[str, Any]]:
    """Open rates over HTTP."""
    found = web.paces(house, tuple(rates), seconds)
    table = Table("open rate", "ms from due to", "p50", "p95", "p99", "p99.9", "worker µs an order", "answers")
    for it in found:
        answers = " ".join(f"{status}: {count}" for status, count in sorted(it.statuses.items()))
        for what, ms in (("answer", it.answered_ms), ("shipped", it.shipped_ms)):
            table.add_row(f"{it.rate_per_s:.0f}/s", what, *(f"{ms[p]:.0f}" for p in ms), f"{it.worker_us:.0f}", answers)
    console.print(table)
    return [dataclasses.asdict(it) for it in found]


def ask(house: House, seconds: float, console: Console) -> dict[str, Any]:
    """Requests at 64 connections."""
    found = web.requests(house, seconds)
    table = Table("64 connections", "a second", "p50 ms", "p99 ms", "worker µs", "client µs", "answers")
    for name, it in found.items():
        answers = " ".join(f"{status}: {count}" for status, count in sorted(it.statuses.items()))
        ms = it.latency_ms
        table.add_row(
            *(name, f"{it.per_s:.0f}", f"{ms['p50']:.1f}", f"{ms['p99']:.1f}"),
            *(f"{it.worker_us:.0f}", f"{it.client_us:.0f}", answers),
        )
    console.print(table)
    return {name: dataclasses.asdict(it) for name, it in found.items()}


def grow(house: House, counts: Sequence[int], seconds: float, console: Console) -> dict[str, Any]:
    """Many orders, and a start after them."""
    found = growth.measure_growth(house, counts, seconds)
    table = Table("after orders", "worker µs an order", "orders/s", "worker MB")
    for it in found.stages:
        table.add_row(f"{it.orders}", f"{it.rate.worker_us:.0f}", f"{it.rate.orders_per_s:.0f}", f"{it.memory_mb:.0f}")
    console.print(table)
    console.print(f"then a start takes {found.start_s:.1f} s, {found.start_cpu_s:.1f} s of CPU")
    return dataclasses.asdict(found)


def start(house: House, orders: Sequence[int], rounds: int, console: Console) -> list[dict[str, Any]]:
    """Starts of a worker with many rows."""
    found = starts.measure_starts(house, orders, rounds)
    table = Table("rows", "records of changelogs", "ready after s", "CPU s", "more CPU than empty, µs a record")
    empty = found[0]
    for it in found:
        more_us = (it.cpu_s - empty.cpu_s) / max(1, it.records - empty.records) * 1e6
        table.add_row(f"{it.rows}", f"{it.records}", f"{it.ready_s:.1f}", f"{it.cpu_s:.1f}", f"{more_us:.1f}")
    console.print(table)
    return [dataclasses.asdict(it) for it in found]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each")
    parser.add_argument("--only", choices=PARTS, action="append", help="may be given several times")
    parser.add_argument("--orders", type=int, action="append", help="a stage of growth; may be given several times")
    parser.add_argument("--json", type=Path, default=Path(".local/bench.json"), help="where the figures go")
    options = parser.parse_args()
    options.json.parent.mkdir(parents=True, exist_ok=True)  # not after ten minutes of measuring
    console = Console(highlight=False, width=140)
    rounds, seconds = (1, 6.0) if options.quick else (3, 12.0)
    rates, counts = ((50, 200), [3000]) if options.quick else ((50, 200, 500), [10_000, 30_000])
    past = (2_500,) if options.quick else (2_500, 25_000)
    parts: dict[str, Callable[[House], Any]] = {
        "throughput": lambda house: compare(house, rounds, seconds, console),
        "latency": lambda house: pace(house, rates, seconds, console),
        "http": lambda house: ask(house, seconds / 2, console),
        "growth": lambda house: grow(house, options.orders or counts, seconds, console),
        "starts": lambda house: start(house, past, rounds, console),
    }
    found: dict[str, Any] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": platform.platform()}
    found["python"] = f"{sys.executable}: {sys.version}"
    with open_house() as house:
        for part in options.only or PARTS:
            found[part] = parts[part](house)
            options.json.write_text(json.dumps(found, indent=1))
    console.print(f"all figures: {options.json}")


if __name__ == "__main__":
    main()
