"""Questions about single keys that come at the same time, asked as one: a round trip costs more than what is in it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

T = TypeVar("T")

MOST: Final = 500
"""Keys in one question."""


class Together(Generic[T]):
    """Asks `find` for all keys that have been wanted since it was last asked; one question at a time.

    Each question begins after the key was wanted. So who has just written sees what it has written.
    """

    def __init__(self, find: Callable[[list[str]], Awaitable[Mapping[str, T]]]) -> None:
        self._find = find
        self._wanted: dict[str, list[asyncio.Future[T | None]]] = {}
        self._asking: asyncio.Task[None] | None = None

    async def get(self, key: str) -> T | None:
        """What `find` says of the key; None when nothing. Raises what it raises."""
        answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()
        self._wanted.setdefault(key, []).append(answer)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask())
        return await answer

    async def _ask(self) -> None:
        while self._wanted:
            now = dict(list(self._wanted.items())[:MOST])
            self._wanted = {key: waiting for key, waiting in self._wanted.items() if key not in now}
            try:
                found = await self._find(list(now))
            except Exception as error:
                for answer in _open(now):
                    answer.set_exception(error)
            else:
                for key, waiting in now.items():
                    for answer in _open({key: waiting}):
                        answer.set_result(found.get(key))


def _open(wanted: Mapping[str, list[asyncio.Future[T | None]]]) -> list[asyncio.Future[T | None]]:
    """Those who still wait."""
    return [answer for waiting in wanted.values() for answer in waiting if not answer.done()]
