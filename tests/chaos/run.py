"""One run: start everything, place orders, do faults, wait for rest, audit, and count."""

import asyncio
import random
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from app.embedded.kafka import KafkaSoftware
from tests.chaos import aftermath
from tests.chaos.aftermath import Log
from tests.chaos.faults import Done, torment
from tests.chaos.outcome import Outcome
from tests.chaos.system import System
from tests.chaos.traffic import Traffic

WORKERS = 3
REST_S = 60.0
PRODUCTS = 20
SCARCE = ("p0", "p1")
"""Products that run out on the way."""

OVERSOLD = frozenset({"OVERSOLD", "STOCK_SUM", "HELD_BY_ENDED", "NOT_TAKEN"})


def chaos(
    home: Path,
    software: KafkaSoftware,
    mongod: Path,
    *,
    seconds: float,
    rate_per_s: float,
    seed: int,
    stretch: float,
    tell: Callable[[str], None],
) -> Outcome:
    """Run for so many seconds and say what became of it. `stretch` 1 takes the longest outages, less shortens them."""
    chance = random.Random(seed)
    expected = int(seconds * rate_per_s)
    supplied = {f"p{number}": expected for number in range(PRODUCTS)} | dict.fromkeys(SCARCE, expected // 8)
    with System(home, software, mongod, WORKERS) as system:
        asyncio.run(aftermath.supply(system.urls, supplied))
        traffic = Traffic(lambda: system.urls[:WORKERS], list(supplied), rate_per_s, chance.getrandbits(32))
        began, began_at = time.monotonic(), time.time()
        traffic.start()
        try:
            faults = torment(system, chance, seconds, stretch, began, tell)
        finally:
            traffic.stop()
        ended, ended_at = time.monotonic(), time.time()
        tell("the faults are over; waiting for rest")
        while traffic.alive:
            system.rest(0.2)
        tell(f"the last call was answered after {time.monotonic() - ended:.1f} s")
        report, rested = aftermath.await_rest(system, REST_S)
        rest_s = rested - ended
        log = aftermath.read_log(system)
        wrong = aftermath.sums(system, supplied) if aftermath.at_rest(report) else []
        return _outcome(seed, seconds, faults, system, traffic, report, log, wrong, (began_at, ended_at), rest_s)


def _outcome(
    seed: int,
    seconds: float,
    faults: list[Done],
    system: System,
    traffic: Traffic,
    report: dict[str, Any],
    log: Log,
    wrong: list[str],
    load: tuple[float, float],
    rest_s: float,
) -> Outcome:
    found: dict[str, list[str]] = {kind: [] for kind in ("oversold", "charged twice", "other")}
    for it in report["differences"]:
        kind = "oversold" if it["kind"] in OVERSOLD else "other"
        kind = "charged twice" if it["kind"] == "CHARGED_TWICE" else kind
        found[kind].append(f"{it['kind']} {it['subject']}: {it['detail']}")
    unexplained = [it for it in traffic.silences if not system.was_away(it.url, it.began, it.ended)]
    pause_s, pause_at_s = _longest_pause(log.facts_s, *load)
    return Outcome(
        seed=seed,
        minutes=round(seconds / 60, 1),
        faults=faults,
        orders=len(traffic.taken),
        cancels=traffic.cancels,
        doubles=traffic.doubles,
        ended=report["ended"],
        lost=sorted(traffic.taken - log.placed.keys()),
        doubled=sorted(order_id for order_id, count in traffic.created.items() if count > 1),
        oversold=found["oversold"],
        charged_twice=found["charged twice"],
        stuck=report["inFlight"],
        other=[
            *found["other"],
            *wrong,
            *traffic.breaches,
            *system.slow_to_end,
            *(f"no answer from a living worker: {it.what}, after {it.ended - it.began:.1f} s" for it in unexplained),
        ],
        answers=dict(traffic.answers),
        ended_alone=dict(system.ended_alone),
        longest_pause_s=round(pause_s, 1),
        longest_pause_at_s=round(pause_at_s, 1),
        rest_s=round(rest_s, 1),
        records=report["records"],
    )


def _longest_pause(facts_s: list[float], begin_s: float, end_s: float) -> tuple[float, float]:
    """The longest time within the load in which no order made progress, and when it began after the load did."""
    times = [begin_s, *(it for it in facts_s if begin_s < it < end_s), end_s]
    gaps = [(later - earlier, earlier - begin_s) for earlier, later in pairwise(times)]
    return max(gaps)
