"""What a load run has seen, counted."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from app.cli.output import Cell

QUANTILES: Final = {"p50": 0.50, "p95": 0.95, "p99": 0.99, "max": 1.0}


@dataclass(slots=True)
class Tally:
    """Counts of one run; times in seconds, by the client's clock, each from when the order was due.

    `placed` are the orders that a worker took in, `unsettled` the ids of those among them that were not seen at rest.
    `errors` counts, by what went wrong, orders that were not taken in and answers that break the contract.
    """

    planned: int
    placed: int = 0
    retries: int = 0
    doubled: int = 0
    cancels: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    unsettled: list[str] = field(default_factory=list)
    late_s: list[float] = field(default_factory=list)
    placed_s: list[float] = field(default_factory=list)
    rest_s: list[float] = field(default_factory=list)
    lasted_s: float = 0.0

    @property
    def at_rest(self) -> int:
        """Orders that were seen at rest."""
        return sum(self.ends.values())

    @property
    def good(self) -> bool:
        """Whether every order was placed, came to rest, and was answered by the contract."""
        return self.at_rest == self.planned and not self.errors


def percentile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that at least `share` (above 0, to 1) of the ascending values do not exceed; None of none."""
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None


def summary(tally: Tally) -> dict[str, Any]:
    """The report for machines; times in milliseconds."""
    return {
        "planned": tally.planned,
        "placed": tally.placed,
        "atRest": tally.at_rest,
        "shipped": tally.ends["SHIPPED"],
        "rejected": dict(sorted(tally.reasons.items())),
        "cancelled": tally.ends["CANCELLED"],
        "needsAttention": tally.ends["NEEDS_ATTENTION"],
        "notAtRest": tally.unsettled,
        "errors": dict(sorted(tally.errors.items())),
        "retries": tally.retries,
        "postedTwice": tally.doubled,
        "cancelsAsked": tally.cancels,
        "seconds": round(tally.lasted_s, 3),
        "perSecond": round(tally.at_rest / tally.lasted_s, 1) if tally.lasted_s else 0.0,
        "behindScheduleMs": _spread(tally.late_s),
        "dueToPlacedMs": _spread(tally.placed_s),
        "dueToAtRestMs": _spread(tally.rest_s),
    }


def lines(tally: Tally) -> list[tuple[str, Cell]]:
    """The report for people: names and values."""
    told = summary(tally)
    return [
        ("orders", tally.planned),
        ("placed", tally.placed),
        ("settled (SHIPPED)", told["shipped"]),
        *((f"rejected: {reason}", count) for reason, count in told["rejected"].items()),
        ("cancelled", told["cancelled"]),
        ("needs attention", told["needsAttention"]),
        ("not at rest", len(tally.unsettled)),
        *((f"error: {what}", count) for what, count in told["errors"].items()),
        ("calls repeated", tally.retries),
        *([("posted twice at once", tally.doubled)] if tally.doubled else []),
        *([("cancels asked for", tally.cancels)] if tally.cancels else []),
        ("seconds", f"{tally.lasted_s:.1f}"),
        ("at rest per second", told["perSecond"]),
        ("behind schedule, ms", _in_words(told["behindScheduleMs"])),
        ("due to placed, ms", _in_words(told["dueToPlacedMs"])),
        ("due to at rest, ms", _in_words(told["dueToAtRestMs"])),
    ]


def _spread(values_s: Sequence[float]) -> dict[str, float | None]:
    ordered = sorted(values_s)
    found = {name: percentile(ordered, share) for name, share in QUANTILES.items()}
    return {name: None if value is None else round(value * 1000, 1) for name, value in found.items()}


def _in_words(spread: dict[str, float | None]) -> str:
    return "  ".join(f"{name} {'-' if value is None else value}" for name, value in spread.items())
