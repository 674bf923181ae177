"""One run: start everything, place orders, do faults, wait for rest, audit, and count."""

import asyncio
import random
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.embedded.kafka import KafkaSoftware
from tests.chaos import aftermath, pace
from tests.chaos.faults import Done, torment, torment_workers
from tests.chaos.outcome import Outcome
from tests.chaos.shopping import Shopping, baskets, one_of
from tests.chaos.system import System
from tests.chaos.traffic import Traffic
from tests.chaos.verdict import broken_promises, refused

WORKERS = 3
REST_S = 60.0
"""All must be at rest so long after the last fault."""
PRODUCTS = 20
HOT = "hot"
SCARCE = ("p0", "p1")
"""Products that run out on the way."""

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is sold, to whom, and what is done meanwhile. `faults` is told when the load began (monotonic clock)."""

    supplied: dict[str, int]
    shopping: Shopping
    rate_per_s: float
    limit: float
    faults: Callable[[System, Traffic, random.Random, float], list[Done]]


def long_run(seconds: float, rate_per_s: float, stretch: float, tell: Tell) -> Plan:
    """All kinds of faults for so many seconds. `stretch` 1 takes the longest outages, less shortens them."""
    expected = int(seconds * rate_per_s)
    supplied = {f"p{number}": expected for number in range(PRODUCTS)} | dict.fromkeys(SCARCE, expected // 8)

    def faults(system: System, _traffic: Traffic, chance: random.Random, began: float) -> list[Done]:
        return torment(system, chance, seconds, stretch, began, tell)

    return Plan(supplied, baskets(list(supplied)), rate_per_s, float("inf"), faults)


def hot_product(orders: int, stock: int, rate_per_s: float, tell: Tell) -> Plan:
    """So many orders of one piece of one product; workers are killed and ended for as long as they are placed."""

    def faults(system: System, traffic: Traffic, chance: random.Random, began: float) -> list[Done]:
        return torment_workers(system, chance, lambda: traffic.placing, began, tell)

    return Plan({HOT: stock}, one_of(HOT), rate_per_s, orders, faults)


def chaos(home: Path, software: KafkaSoftware, mongod: Path, plan: Plan, seed: int, tell: Tell) -> Outcome:
    """Run the plan and say what became of it; the seed chooses orders and faults."""
    chance = random.Random(seed)
    with System(home, software, mongod, WORKERS) as system:
        asyncio.run(aftermath.supply(system.urls, plan.supplied))
        traffic = Traffic(lambda: system.urls, plan.shopping, plan.rate_per_s, chance.getrandbits(32), plan.limit)
        began, began_at_s = time.monotonic(), time.time()
        traffic.start()
        try:
            faults = plan.faults(system, traffic, chance, began)
        finally:
            traffic.stop()
        over = time.monotonic()
        tell("the faults are over; waiting for rest")
        while traffic.alive:
            system.rest(0.2)
        tell(f"the last call was answered after {time.monotonic() - over:.1f} s")
        report, rested = aftermath.await_rest(system, over + REST_S)
        tell(f"audited after {time.monotonic() - over:.1f} s")
        placed, progress = aftermath.read_log(system)
        progress = [(at_s - began_at_s, order_id) for at_s, order_id in progress]
        pauses = pace.of_each(progress)
        return Outcome(
            minutes=round((over - began) / 60, 1),
            orders=len(traffic.taken),
            cancels=traffic.cancels,
            doubles=traffic.doubles,
            ended=report["ended"],
            shown=aftermath.projected(system),
            faults=faults,
            broken=broken_promises(system, traffic, plan.supplied, report, set(placed)),
            answers=dict(traffic.answers),
            refused=refused(system, traffic.refusals),
            slowest_s=dict(traffic.slowest_s),
            ended_alone=dict(system.ended_alone),
            pause=pace.of_all(progress, over - began),
            order_pauses=_by_fault(pauses, faults),
            rest_s=round(rested - over, 1),
            records=report["records"],
        )


def _by_fault(pauses: list[pace.Pause], faults: list[Done]) -> dict[str, pace.Pause]:
    by_kind: defaultdict[str, list[pace.Pause]] = defaultdict(list)
    for pause in pauses:
        fault = pace.fault_of(pause, faults)
        if fault is not None:
            by_kind[fault.kind].append(pause)
    return {kind: pace.longest(its) for kind, its in by_kind.items()}
