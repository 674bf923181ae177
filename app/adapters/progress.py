"""How far the read model is, told in the offsets of the topics that it is made of at first hand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple, TypeAlias

from pymongo import UpdateOne

from app.adapters.mongo import Collection, Database

Place: TypeAlias = tuple[str, int]
"""A topic and a partition of it."""


class Reached(NamedTuple):
    """The record at `offset` and all before it are in the read model; so is all that was in the log `at` that time."""

    offset: int
    at: datetime


class Progress:
    """One document a partition, which never goes back."""

    def __init__(self, database: Database) -> None:
        self._noted: Collection = database["progress"]

    async def note(self, reached: Mapping[Place, Reached]) -> None:
        """Keep how far each partition is known to be in. Raises `PyMongoError`."""
        if not reached:
            return
        await self._noted.bulk_write(
            [
                UpdateOne({"_id": _id(place)}, {"$max": {"offset": it.offset, "at": it.at}}, upsert=True)
                for place, it in reached.items()
            ],
            ordered=False,
        )

    async def of(self, places: Iterable[Place]) -> dict[Place, Reached]:
        """How far these partitions are known to be in; nothing of those never noted. Raises `PyMongoError`."""
        wanted = {_id(place): place for place in places}
        found = self._noted.find({"_id": {"$in": list(wanted)}})
        return {wanted[it["_id"]]: Reached(it["offset"], it["at"]) async for it in found}


def _id(place: Place) -> str:
    topic, partition = place
    return f"{topic}-{partition}"
