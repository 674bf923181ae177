"""How long messages have waited in the log, in buckets, as monitoring wants it."""

from bisect import bisect_left
from collections.abc import Iterator
from typing import Final

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Waited:
    """`sum_s` is what all of them have waited together."""

    __slots__ = ("_counts", "sum_s")

    def __init__(self) -> None:
        self._counts = [0] * (len(BOUNDS_S) + 1)
        self.sum_s = 0.0

    def note(self, seconds: float) -> None:
        """One more; clocks that disagree make no negative time."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(BOUNDS_S, seconds)] += 1
        self.sum_s += seconds

    def buckets(self) -> Iterator[tuple[float, int]]:
        """How many waited for at most each of the bounds; the last bound is infinite."""
        total = 0
        for bound, count in zip((*BOUNDS_S, float("inf")), self._counts, strict=True):
            total += count
            yield bound, total
