"""So many requests at once, and a last call when the worker stops."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final

from views.problems import unavailable

STOPPING: Final = "This worker is stopping."
LOOK_EVERY_S: Final = 0.01


class Gate:
    """Knows the requests that are inside; `limit` is the most at once, `share` the most of one application."""

    def __init__(self, limit: int, share: int | None = None) -> None:
        self._limit = limit
        self._share = share
        self._inside: dict[asyncio.Task[Any], str] = {}
        self._called: set[asyncio.Task[Any]] = set()

    def place(self, task: asyncio.Task[Any], application: str = "") -> AbstractContextManager[None]:
        """Have a place for what this task answers. Raises `Problem` (503): there is none, or it was the last call."""
        if len(self._inside) >= self._limit:
            raise unavailable("Too many requests are being answered at once.")
        if self._share is not None and list(self._inside.values()).count(application) >= self._share:
            raise unavailable("Too many requests of this application are on their way.")
        return _Place(task, application, self._inside, self._called)

    async def last_call(self, patience_s: float) -> None:
        """Wait for those inside, and have the ones that take longer than `patience_s` answered with `503`."""
        until_s = time.monotonic() + patience_s
        while self._inside and time.monotonic() < until_s:  # noqa: ASYNC110 - once in a worker's life
            await asyncio.sleep(LOOK_EVERY_S)
        for task in self._inside:
            self._called.add(task)
            task.cancel()


class _Place:
    """One request's place."""

    __slots__ = ("_application", "_called", "_inside", "_task")

    def __init__(
        self,
        task: asyncio.Task[Any],
        application: str,
        inside: dict[asyncio.Task[Any], str],
        called: set[asyncio.Task[Any]],
    ) -> None:
        self._task, self._application, self._inside, self._called = task, application, inside, called

    def __enter__(self) -> None:
        self._inside[self._task] = self._application

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._inside.pop(self._task, None)
        if self._task in self._called:
            self._called.discard(self._task)
            if kind is asyncio.CancelledError:
                self._task.uncancel()
                raise unavailable(STOPPING) from None
