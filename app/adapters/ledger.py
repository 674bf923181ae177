"""What the simulated gateway and carrier have really done, by idempotency key, in MongoDB.

It is their memory, not ours: what a real gateway keeps on its side. A test counts in it what was really charged.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from pymongo.errors import BulkWriteError, PyMongoError

from app.adapters.mongo import DUPLICATE_KEY, Collection
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
        kept: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting.append((entry, kept))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return await kept

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
        kept = {entry["_id"]: entry for entry in entries}
        try:
            await self._collection.insert_many(entries, ordered=False)  # a fifth of what as many upserts cost mongod
        except BulkWriteError as error:
            refused = error.details["writeErrors"]
            if any(it["code"] != DUPLICATE_KEY for it in refused):
                raise
            known = [entries[it["index"]]["_id"] for it in refused]
            kept |= {entry["_id"]: entry async for entry in self._collection.find({"_id": {"$in": known}})}
        return kept
