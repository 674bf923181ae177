"""A `POST` of an order waits while its key has no owner: to take orders while a worker is being killed is the point.

Only the worker that the client speaks to waits, and only so many requests at once: the rest of its places are for those
whose keys have an owner. To do it again is safe, since an order is placed by its id.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

from aiohttp import web

from app.main import app
from views.owner import NO_OWNER, NoOwner
from views.problems import unavailable

AGAIN_FIRST_S: Final = 0.1
AGAIN_LONGEST_S: Final = 1.0

Do = Callable[[], Awaitable[web.StreamResponse]]


class Patience:
    """Answers again what could not be answered for want of an owner, for `limit_s`; `places` is the most at once."""

    def __init__(self, limit_s: float, places: int) -> None:
        self._limit_s = limit_s
        self._places = places
        self._waiting = 0

    async def answer(self, do: Do) -> web.StreamResponse:
        """The answer of `do`, which is done again as long as the key has no owner. Raises what `do` raises, and 503."""
        ends_s = monotonic() + self._limit_s
        told = await self._attempt(do)
        if told is not None:
            return told
        if self._waiting >= self._places:
            raise unavailable("Too many requests wait for keys that have no owner.")
        self._waiting += 1
        try:
            return await self._until(ends_s, do)
        finally:
            self._waiting -= 1

    async def _until(self, ends_s: float, do: Do) -> web.StreamResponse:
        pause_s = AGAIN_FIRST_S
        while not app.should_stop and monotonic() + pause_s < ends_s:
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, AGAIN_LONGEST_S)
            told = await self._attempt(do)
            if told is not None:
                return told
        raise unavailable("This key has no owner now.")

    @staticmethod
    async def _attempt(do: Do) -> web.StreamResponse | None:
        """The answer, or None when it is that the key has no owner, here or by the word of another worker."""
        try:
            told = await do()
        except NoOwner:
            return None
        return None if NO_OWNER in told.headers else told
