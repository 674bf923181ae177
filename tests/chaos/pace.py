"""How long orders stood still, told by the times at which they made progress."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from tests.chaos.faults import Done


class Pause(NamedTuple):
    """A time without progress: of an order, or of all (no id). Seconds from the start of the load."""

    began_s: float
    ended_s: float
    order_id: str = ""

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.ended_s - self.began_s


def of_all(progress: Iterable[tuple[float, str]], ended_s: float) -> Pause:
    """The longest time within the load, from 0 to `ended_s`, in which no order made progress. `progress` is sorted."""
    times = [0.0, *(at_s for at_s, _ in progress if 0 < at_s < ended_s), ended_s]
    return max((Pause(*it) for it in pairwise(times)), key=lambda it: it.seconds)


def of_each(progress: Iterable[tuple[float, str]]) -> list[Pause]:
    """The times that orders waited from one sign of progress to the next, from the first to the last of each."""
    last: dict[str, float] = {}
    pauses = []
    for at_s, order_id in progress:
        if order_id in last:
            pauses.append(Pause(last[order_id], at_s, order_id))
        last[order_id] = at_s
    return pauses


def longest(pauses: Iterable[Pause]) -> Pause:
    """The longest; one of no length if there is none."""
    return max(pauses, key=lambda it: it.seconds, default=Pause(0, 0))


def fault_of(pause: Pause, faults: Sequence[Done]) -> Done | None:
    """The fault that the pause is put down to: of most of it that was the last one begun. None before the first."""
    ends = [*(it.began_s for it in faults[1:]), float("inf")]
    lasted = [min(pause.ended_s, end) - max(pause.began_s, it.began_s) for it, end in zip(faults, ends, strict=False)]
    most = max(lasted, default=0.0)
    return faults[lasted.index(most)] if most > 0 else None
