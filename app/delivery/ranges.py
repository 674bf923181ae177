"""Acknowledgement by ranges: one entry a slice and partition, and two watermarks over them.

A range is *safe* when all it caused is acknowledged by the broker, and *released* when it is safe and no
outside call holds it. Safe counts for reads ("is this message applied?"), released for the commit.
"""

from collections import deque
from collections.abc import Iterable, Mapping


class Range:
    """The records of one partition in one slice, up to and including the offset `last`."""

    __slots__ = ("given_up", "holds", "last", "safe")

    def __init__(self, last: int) -> None:
        self.last = last
        self.safe = False
        self.given_up = False  # left to the next owner of the partition
        self.holds = 0

    @property
    def released(self) -> bool:
        """Safe, and held by no call."""
        return self.safe and self.holds == 0


class _Marks:
    """One partition's open ranges in order, and how far both watermarks have come (next offsets)."""

    __slots__ = ("applied", "released", "unreleased", "unsafe")

    def __init__(self, start: int) -> None:
        self.applied = start
        self.released = start
        self.unsafe: deque[Range] = deque()
        self.unreleased: deque[Range] = deque()


class Ranges:
    """All ranges of one topic in one generation of the consumer group."""

    def __init__(self) -> None:
        self._marks: dict[int, _Marks] = {}

    def begin(self, starts: Mapping[int, int]) -> None:
        """Forget everything, and start each partition at the offset of its next record."""
        self._marks = {partition: _Marks(offset) for partition, offset in starts.items()}

    def open(self, partition: int, last: int) -> Range:
        """Open the next range of a partition that has begun; ranges are opened in the log's order."""
        opened = Range(last)
        marks = self._marks[partition]
        marks.unsafe.append(opened)
        marks.unreleased.append(opened)
        return opened

    def applied(self, partition: int) -> int | None:
        """Return the offset below which all is safe, or `None` for a partition that has not begun."""
        marks = self._marks.get(partition)
        if marks is None:
            return None
        while marks.unsafe and marks.unsafe[0].safe:
            marks.applied = marks.unsafe.popleft().last + 1
        return marks.applied

    def released(self, partition: int) -> int | None:
        """Return the offset that may be committed, or `None` for a partition that has not begun."""
        marks = self._marks.get(partition)
        if marks is None:
            return None
        while marks.unreleased and marks.unreleased[0].released:
            marks.released = marks.unreleased.popleft().last + 1
        return marks.released

    @property
    def partitions(self) -> Iterable[int]:
        """The partitions that have begun."""
        return self._marks.keys()

    def unsafe(self) -> int:
        """Return how many ranges are still on their way to being safe."""
        return sum(not (opened.safe or opened.given_up) for marks in self._marks.values() for opened in marks.unsafe)
