"""What a worker keeps of the slices under way: ranges of offsets, who concerns whom, and the calls beside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.delivery.forgetting import Leaving
from app.domain.outside import Pending

Place = tuple[str, int]
"""A topic and a partition."""


@dataclass(eq=False)
class Range:
    """Offsets up to `last` that were handed out together."""

    last: int
    safe: bool = False
    holds: int = 0


@dataclass(eq=False)
class Slice:
    """What was decided together: how many of its records are still under way, and whose keys it concerns."""

    unsafe: int = 0
    ranges: list[Range] = field(default_factory=list)
    keys: dict[tuple[Place, str], list[Range]] = field(default_factory=lambda: defaultdict(list))
    settles: Chain | None = None


@dataclass(eq=False)
class Chain:
    """The calls of one key, one after the other, and the ranges that wait for their end."""

    place: Place
    key: str
    pending: Pending[Any]
    ranges: list[Range] = field(default_factory=list)
    settling: bool = False

    def hold(self, ranges: Iterable[Range]) -> None:
        """Keeps these ranges from being committed until the chain ends."""
        for held in ranges:
            held.holds += 1
            self.ranges.append(held)


@dataclass(eq=False)
class Leave:
    """The rows of a partition that are on their way out, and where it ended when they were noted.

    `farewell` is what goes before: then `keys` leave.
    """

    leaving: Leaving = field(default_factory=Leaving)
    end: int = 0
    farewell: Slice | None = None
    keys: list[str] = field(default_factory=list)
