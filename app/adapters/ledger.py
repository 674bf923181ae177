"""What the simulated gateway and carrier have really done, by idempotency key, in MongoDB.

It is their memory, not ours: what a real gateway keeps on its side. A test counts in it what was really charged.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pymongo import UpdateOne
from pymongo.errors import PyMongoError

from app.adapters.mongo import Collection
from app.adapters.outcome import OutcomeUnknown

_BATCH: Final = 500


class Ledger:
    """Writes each entry once, by its key. Entries that come at the same time share one bulk write."""

    def __init__(self, collection: Collection) -> None:
        self._collection = collection
        self._waiting: list[tuple[dict[str, Any], asyncio.Future[dict[str, Any]]]] = []
        self._writer: asyncio.Task[None] | None = None

    async def enter(self, entry: dict[str, Any]) -> dict[str, Any]:
        """Keep the entry under its `_id`, or find the one that is there; returns what is kept.

        Raises `OutcomeUnknown` when MongoDB does not say.
        """
        kept = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return dict(await kept)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_BATCH], self._waiting[_BATCH:]
            try:
                kept = await self._keep([entry for entry, _ in batch])
            except PyMongoError as error:
                for _, waiter in batch:
                    if not waiter.done():
                        waiter.set_exception(OutcomeUnknown(f"ledger: {error}"))
            else:
                for entry, waiter in batch:
                    if not waiter.done():
                        waiter.set_result(kept[entry["_id"]])

    async def _keep(self, entries: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
        once = [UpdateOne({"_id": entry["_id"]}, {"$setOnInsert": entry}, upsert=True) for entry in entries]
        result = await self._collection.bulk_write(once, ordered=False)
        fresh = set(result.upserted_ids or {})
        kept = {entry["_id"]: entry for number, entry in enumerate(entries) if number in fresh}
        known = [entry["_id"] for entry in entries if entry["_id"] not in kept]
        if known:
            kept |= {entry["_id"]: entry async for entry in self._collection.find({"_id": {"$in": known}})}
        return kept
