"""The arithmetic of measurements: medians, spreads, percentiles, and latencies that omit nothing."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

PERCENTILES = (50.0, 95.0, 99.0, 99.9)


@dataclass(frozen=True, slots=True)
class Spread:
    """Several runs of one measurement: their median, the lowest and the highest."""

    median: float
    low: float
    high: float

    @property
    def relative(self) -> float:
        """Half of the distance between the extremes, as a part of the median; 0 for a median of 0."""
        return (self.high - self.low) / 2 / self.median if self.median else 0.0


def spread(values: Sequence[float]) -> Spread:
    """The spread of at least one value."""
    return Spread(statistics.median(values), min(values), max(values))


def ratio(measured: Spread, baseline: Spread) -> float | None:
    """How many times the baseline was measured, median by median; None for a baseline of 0."""
    return measured.median / baseline.median if baseline.median else None


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` percent of them do not exceed (nearest rank)."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """`p50`, `p95`, `p99` and `p99.9`."""
    return {f"p{share:g}": percentile(values, share) for share in PERCENTILES}


def due_times(rate_per_s: float, seconds: float) -> list[float]:
    """When the orders of an open load are due: seconds after its start, evenly spaced."""
    return [number / rate_per_s for number in range(round(rate_per_s * seconds))]


def latencies(due: Mapping[str, float], ended: Mapping[str, float]) -> list[float]:
    """Seconds from when each was *due*, not from when it was sent: a stalled client can't hide those it kept waiting.

    Raises `ValueError` for one that has not ended: to leave it out would omit the slowest.
    """
    missing = due.keys() - ended.keys()
    if missing:
        raise ValueError(f"{len(missing)} of {len(due)} have not ended, such as {min(missing)}")
    return [ended[name] - at for name, at in due.items()]
