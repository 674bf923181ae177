"""What costs much to make and may be a moment old: it is made once for all who ask for it meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Has things made by `make`, which is given a name, at most once in `moment_s` each.

    `clock` gives seconds that only go forward.
    """

    def __init__(
        self, make: Callable[[str], Coroutine[Any, Any, T]], moment_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        self._make = make
        self._moment_s = moment_s
        self._clock = clock
        self._made: dict[str, tuple[asyncio.Task[T], float]] = {}

    async def get(self, name: str) -> T:
        """The thing of this name, begun within the moment before. Raises what `make` raises."""
        task, until_s = self._made.get(name, (None, 0.0))
        if task is None or (task.done() and (self._clock() >= until_s or task.exception() is not None)):
            task = asyncio.create_task(self._make(name))
            self._made[name] = task, self._clock() + self._moment_s
        return await asyncio.shield(task)  # who hangs up takes it away from nobody
