"""The API keys that a worker has looked up lately, so that a request costs no look into the store.

An entry is good for `fresh_s`: so long a revocation may take to arrive. While the store is away, keys that were found
before stay usable for `kept_s`, as they were then; of others nothing can be said.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from app.security.keys import ApiKey

MOST: Final = 10_000
"""Entries; beyond, the one that was looked up longest ago goes."""
PATIENCE_S: Final = 0.5
"""How long a request waits for the store."""
AWAY_S: Final = 1.0
"""How long a store that did not answer is left alone."""
USE_NOTED_S: Final = 60.0
"""How exactly the last use of a key is kept."""


class StoreAway(Exception):
    """The store does not answer, and nothing is known without it."""


class KeyStore(Protocol):
    """Where the keys are kept. Its methods raise `StoreAway`."""

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id."""

    async def note_use(self, key_id: str, at: datetime) -> None:
        """Keep when the key was last used."""


@dataclass(slots=True)
class _Entry:
    key: ApiKey | None
    at_s: float


class KnownKeys:
    """Looks keys up in `store`. `clock` gives seconds that only go forward."""

    def __init__(
        self, store: KeyStore, fresh_s: float, kept_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._store = store
        self._fresh_s = fresh_s
        self._kept_s = kept_s
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._under_way: dict[str, asyncio.Task[ApiKey | None]] = {}
        self._noted: dict[str, float] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._away_until_s = 0.0

    def is_at_hand(self, key_id: str) -> bool:
        """Whether there was such a key when it was last looked up, not too long ago."""
        entry = self._entries.get(key_id)
        return entry is not None and entry.key is not None and self._clock() - entry.at_s <= self._kept_s

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id; None if there is none. Raises `StoreAway` when nobody can say."""
        entry, now_s = self._entries.get(key_id), self._clock()
        if entry is not None and now_s - entry.at_s <= self._fresh_s:
            return entry.key
        try:
            if now_s < self._away_until_s:
                raise StoreAway
            return await self._looked_up(key_id)
        except (StoreAway, TimeoutError):
            if entry is not None and entry.key is not None and now_s - entry.at_s <= self._kept_s:
                return entry.key
            raise StoreAway from None

    async def _looked_up(self, key_id: str) -> ApiKey | None:
        """Of several requests with one key, one looks it up for all."""
        task = self._under_way.get(key_id)
        if task is None:
            task = self._under_way[key_id] = asyncio.create_task(self._look_up(key_id))
            task.add_done_callback(lambda _: self._under_way.pop(key_id, None))
        return await asyncio.shield(task)

    async def _look_up(self, key_id: str) -> ApiKey | None:
        began_s = self._clock()
        try:
            async with asyncio.timeout(PATIENCE_S):
                key = await self._store.find(key_id)
        except (StoreAway, TimeoutError):
            self._away_until_s = self._clock() + AWAY_S
            raise
        self._entries[key_id] = _Entry(key, began_s)  # what was changed since it began may not be in it
        self._entries.move_to_end(key_id)
        if len(self._entries) > MOST:
            self._entries.popitem(last=False)
        return key

    def note_use(self, key_id: str) -> None:
        """Have the use of the key kept, in a while; if that fails, a later use will do."""
        now_s = self._clock()
        if now_s - self._noted.get(key_id, -USE_NOTED_S) < USE_NOTED_S:
            return
        if len(self._noted) >= MOST:
            self._noted.clear()
        self._noted[key_id] = now_s
        task = asyncio.create_task(self._note(key_id))
        self._notes.add(task)
        task.add_done_callback(self._notes.discard)

    async def _note(self, key_id: str) -> None:
        with suppress(StoreAway):
            await self._store.note_use(key_id, datetime.now(UTC))
