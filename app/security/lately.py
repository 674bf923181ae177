"""What was found out a moment ago: callers who ask thousands of times a second are looked at once in a while."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOMENT_S: Final = 0.25
"""How long a thing is remembered at most: so much later than else a revocation or an end may be heard of."""


class Lately(Generic[T]):
    """Forgets all at once, a moment after the first. `clock` gives seconds that only go forward."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[Hashable, T] = {}
        self._until_s = 0.0

    def get(self, key: Hashable) -> T | None:
        """What was noted of `key` within this moment."""
        return self._known.get(key) if self._clock() < self._until_s else None

    def note(self, key: Hashable, found: T) -> None:
        """Remember it for the rest of this moment, or begin a new one."""
        now_s = self._clock()
        if now_s >= self._until_s:
            self._known.clear()
            self._until_s = now_s + MOMENT_S
        self._known[key] = found
