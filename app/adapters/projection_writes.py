"""How facts get into the read model: each document stands for one version, and no write ever takes it back.

An upsert is guarded by `version`, so a replay or a slow twin loses against what is there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from pymongo import ReplaceOne
from pymongo.errors import BulkWriteError

from app.adapters.mongo import DUPLICATE_KEY, Collection, Database, Document
from app.adapters.rebuild_claim import built_name, holder_now

TOGETHER: Final = 500
"""Documents in one write. They are made and encoded at a stretch, and meanwhile nothing else is done in the worker."""

AT_ONCE: Final = 2
"""Writes under way. A busy worker's loop and the driver's threads wait for each other, for most of what one takes: with
one at a time the projection falls ever further behind when orders come as fast as they are settled."""


class ProjectionWrites:
    """The live writer of the read model."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def save(self, name: str, documents: Iterable[Document]) -> None:
        """Keep these documents in the collection `name`, each unless a newer version is there. Raises `PyMongoError`.

        They are taken as they are written, `TOGETHER` for each of `AT_ONCE` writes: they may be made while they are
        asked for. When a write fails, or this is cancelled, no other is begun.
        """
        rest = iter(documents)
        writers = [asyncio.ensure_future(self._save_all(name, rest)) for _ in range(AT_ONCE)]
        try:
            await asyncio.gather(*writers)
        finally:
            for writer in writers:
                writer.cancel()

    async def _save_all(self, name: str, rest: Iterator[Document]) -> None:
        while some := list(islice(rest, TOGETHER)):
            await self._save(name, some)

    async def _save(self, name: str, documents: Sequence[Document]) -> None:
        """While a rebuild is under way they also go to what it builds, and there first, so that this is never behind
        (`rebuilding.py`). That is asked for here, when the facts have been read, and not a moment earlier.
        """
        holder = await holder_now(self._database)
        if holder is not None:
            await save_newest(self._database[built_name(name, holder)], documents)
        await save_newest(self._database[name], documents)


async def save_newest(collection: Collection, documents: Sequence[Document]) -> None:
    """Keep these documents, each unless a newer version is there. Raises `PyMongoError`."""
    refused = await _replace_older(collection, documents)
    # Something is there now. It may have come in the very moment, from a worker that was believed dead: only a second
    # look tells whether it is newer, or older. What is refused again is older than what is there, and stays away.
    await _replace_older(collection, refused)


async def _replace_older(collection: Collection, documents: Sequence[Document]) -> list[Document]:
    """Write each where nothing or an older version is found; returns those of which there was something else."""
    guarded = [ReplaceOne({"_id": it["_id"], "version": {"$lt": it["version"]}}, it, upsert=True) for it in documents]
    if not guarded:
        return []
    try:
        await collection.bulk_write(guarded, ordered=False)
    except BulkWriteError as error:
        # Where the guard does not match, the upsert tries to insert.
        failed = error.details["writeErrors"]
        if any(it["code"] != DUPLICATE_KEY for it in failed):
            raise
        return [documents[it["index"]] for it in failed]
    return []
