"""Limits that hold over all workers together: each takes requests out of one shared bucket in advance.

A request takes from its worker's lease, without waiting; the lease is filled again beside it. While the shared bucket
can't be reached, each worker keeps the whole limit by itself, so that the service goes on.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from app.security.known_keys import StoreAway
from app.security.limits import Bucket, Grant, Lease, Limit

log: Final = logging.getLogger(__name__)

PATIENCE_S: Final = 0.25
"""How long a request waits for its turn to be fetched."""
AWAY_S: Final = 1.0
"""How long a store that did not answer is left alone."""
MOST: Final = 10_000

Granting: TypeAlias = Callable[[str, Limit, int], Awaitable[Grant]]
"""Takes so many tokens, at most, out of the shared bucket of a key. Raises `StoreAway`."""


class Turn(NamedTuple):
    """Whether a request may pass, about how many more would, and when it is worth coming again."""

    passed: bool
    remaining: int
    wait_s: float = 0.0


@dataclass(slots=True)
class _Part:
    """This worker's part of one key's limit."""

    lease: Lease
    alone: Bucket
    waiting: int = 0
    filling: asyncio.Task[None] | None = field(default=None)


class Quotas:
    """Counts the requests of keys. `is_shared` is false while each worker counts for itself."""

    def __init__(self, granting: Granting, clock: Callable[[], float] = time.monotonic) -> None:
        self._granting = granting
        self._clock = clock
        self._parts: dict[str, _Part] = {}
        self._again_at_s = 0.0
        self.is_shared = True

    def take_at_hand(self, key_id: str, limit: Limit) -> Turn | None:
        """One request of this key, if there is a turn that need not be waited for; None: `take` it."""
        part, now_s = self._part(key_id, limit), self._clock()
        lease = part.lease
        if not self.is_shared or not lease.take(now_s):
            return None
        if lease.wants(now_s):
            self._fill(key_id, part)
        return Turn(True, lease.remaining)

    async def take(self, key_id: str, limit: Limit) -> Turn:
        """One request of this key."""
        turn = self.take_at_hand(key_id, limit)
        if turn is not None:
            return turn
        part = self._part(key_id, limit)
        if self.is_shared and await self._fetched(key_id, part):
            return Turn(True, part.lease.remaining)
        if self.is_shared and not part.lease.wants(self._clock()):
            return Turn(False, 0, part.lease.wait_s(self._clock()))
        if self._clock() >= self._again_at_s:
            self._fill(key_id, part)
        passed = part.alone.take(self._clock())
        return Turn(passed, int(part.alone.tokens), part.alone.wait_s)

    def _part(self, key_id: str, limit: Limit) -> _Part:
        part = self._parts.get(key_id)
        if part is None or (part.lease.limit is not limit and part.lease.limit != limit):
            if len(self._parts) >= MOST:
                self._parts.clear()
            part = self._parts[key_id] = _Part(Lease(limit), Bucket.full(limit, self._clock()))
        return part

    async def _fetched(self, key_id: str, part: _Part) -> bool:
        """Whether there was a turn in the shared bucket. False, too, when it has not answered in time."""
        give_up_at_s = self._clock() + PATIENCE_S
        part.waiting += 1
        try:
            while self.is_shared and part.lease.wants(self._clock()) and self._clock() < give_up_at_s:
                await asyncio.wait([self._fill(key_id, part)], timeout=give_up_at_s - self._clock())
                if part.lease.take(self._clock()):
                    return True
        finally:
            part.waiting -= 1
        return False

    def _fill(self, key_id: str, part: _Part) -> asyncio.Task[None]:
        if part.filling is None or part.filling.done():
            part.filling = asyncio.create_task(self._filled(key_id, part))
        return part.filling

    async def _filled(self, key_id: str, part: _Part) -> None:
        asked = part.lease.limit.lease + part.waiting
        try:
            async with asyncio.timeout(PATIENCE_S):
                grant = await self._granting(key_id, part.lease.limit, asked)
        except (StoreAway, TimeoutError):
            self._again_at_s = self._clock() + AWAY_S
            if self.is_shared:
                log.warning("the store of limits does not answer: each worker counts for itself")
                self.is_shared = False
            return
        if not self.is_shared:
            log.warning("the store of limits answers again: limits hold over all workers together")
            self.is_shared = True
        part.lease.add(grant, asked, self._clock())
