"""What a run has shown: promises that were broken, and answers that put a customer off."""

from collections import Counter, defaultdict
from typing import Any

from tests.chaos import aftermath
from tests.chaos.outcome import Promises
from tests.chaos.system import System
from tests.chaos.traffic import UNNAMED, Call, Traffic

NOTICE_S = 5.0
"""How long after the broker is back a worker may still say that it is away."""

OVERSOLD = frozenset({"OVERSOLD", "STOCK_SUM", "HELD_BY_ENDED", "NOT_TAKEN"})
PROJECTION = frozenset({"PROJECTION_BEHIND", "PROJECTION_DIFFERS"})


def broken_promises(
    system: System, traffic: Traffic, supplied: dict[str, int], report: dict[str, Any], placed: set[str]
) -> Promises:
    """What of all that was promised was not kept, by the audit's `report`, the log and the customers."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for it in report["differences"]:
        found[_promise(it["kind"])].append(f"{it['kind']} {it['subject']}: {it['detail']}")
    rested = aftermath.at_rest(report)
    if rested:
        found["other"] += aftermath.sums(system, supplied)
    shown = Counter(it.split()[0] for it, count in aftermath.projected(system).items() for _ in range(count))
    if rested and shown != report["ended"]:
        found["projection"].append(f"MongoDB shows {dict(shown)}, the log has {report['ended']}")
    lag = [f"{it['topic']}/{it['partition']}" for it in report["reach"] if it["committed"] < it["end"]]
    return Promises(
        lost=sorted(traffic.taken - placed),
        doubled=sorted(order_id for order_id, count in traffic.created.items() if count > 1),
        oversold=found["oversold"],
        charged_twice=found["charged_twice"],
        stuck=[*report["inFlight"], *(f"records of {it}" for it in lag)],
        projection=found["projection"],
        answers=_against_the_contract(system, traffic),
        other=[*found["other"], *system.slow_to_end],
    )


def _against_the_contract(system: System, traffic: Traffic) -> list[str]:
    """Living workers answer; and an order that any of them can take is taken, unless the broker is away."""
    unexplained = [it for it in traffic.silences if not system.was_away(it.url, it.began, it.ended)]
    untaken = [it for it in traffic.refusals if it.what == UNNAMED and not _broker_was_away(system, it)]
    return [
        *traffic.breaches,
        *(f"{it.what}: a living worker was silent for {it.ended - it.began:.1f} s: {it.why}" for it in unexplained),
        *(f"{it.what}: refused though the broker was there: {it.why}" for it in untaken),
    ]


def _promise(kind: str) -> str:
    if kind in OVERSOLD:
        return "oversold"
    if kind in PROJECTION:
        return "projection"
    return "charged_twice" if kind == "CHARGED_TWICE" else "other"


def refused(system: System, refusals: list[Call]) -> dict[str, int]:
    """How often 503 was answered, by when and why."""
    counts: Counter[str] = Counter()
    for it in refusals:
        away = _broker_was_away(system, it)
        counts["while the broker was away" if away else f"otherwise, {it.what}: {it.why}"] += 1
    return dict(counts)


def _broker_was_away(system: System, it: Call) -> bool:
    return any(span.began <= it.ended and it.began <= span.ended + NOTICE_S for span in system.broker_away)
