"""How long something has waited, such as messages in the log, in buckets, as monitoring wants it.

Plain numbers: to note a time in a histogram of prometheus-client takes several times as long.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)


class Waited:
    """`sum_s` is what all of them have waited together."""

    __slots__ = ("_bounds_s", "_counts", "sum_s")

    def __init__(self, bounds_s: Sequence[float] = BOUNDS_S) -> None:
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self.sum_s = 0.0

    def note(self, seconds: float) -> None:
        """One more; clocks that disagree make no negative time."""
        seconds = max(0.0, seconds)
        self._counts[bisect_left(self._bounds_s, seconds)] += 1
        self.sum_s += seconds

    def buckets(self) -> Iterator[tuple[float, int]]:
        """How many waited for at most each of the bounds; the last bound is infinite."""
        total = 0
        for bound, count in zip((*self._bounds_s, float("inf")), self._counts, strict=True):
            total += count
            yield bound, total

    @property
    def count(self) -> int:
        """How many there were."""
        return sum(self._counts)
