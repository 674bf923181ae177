"""Buckets of tokens in MongoDB, which all workers take from. Only MongoDB's clock counts."""

from __future__ import annotations

from typing import Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError, PyMongoError
from pymongo.write_concern import WriteConcern

from app.adapters.mongo import Collection, Database, Document
from app.security.known_keys import StoreAway
from app.security.limits import Grant, Limit

# What is lost with a primary is a moment's count: not worth waiting for.
_AT_ONCE: Final = WriteConcern(w=1, j=False)


class SharedBuckets:
    """One document a key: how many tokens there were, and when."""

    def __init__(self, database: Database) -> None:
        self._buckets: Collection = database.get_collection("request_quotas", write_concern=_AT_ONCE)

    async def take(self, key_id: str, limit: Limit, wanted: int) -> Grant:
        """Take up to `wanted` tokens out of the bucket of this key. Raises `StoreAway`."""
        try:
            try:
                found = await self._taken(key_id, limit, wanted)
            except DuplicateKeyError:  # another worker has just made it
                found = await self._taken(key_id, limit, wanted)
        except PyMongoError as error:
            raise StoreAway from error
        return Grant(int(found["taken"]), float(found["tokens"]))

    async def _taken(self, key_id: str, limit: Limit, wanted: int) -> Document:
        passed_ms = {"$max": [0, {"$subtract": ["$$NOW", {"$ifNull": ["$at", "$$NOW"]}]}]}
        come = {"$multiply": [passed_ms, limit.rate_per_s / 1000]}
        filled = {"$min": [limit.burst, {"$add": [{"$ifNull": ["$tokens", limit.burst]}, come]}]}
        found: Document = await self._buckets.find_one_and_update(
            {"_id": key_id},
            [
                {"$set": {"tokens": filled, "at": "$$NOW"}},
                {"$set": {"taken": {"$min": [wanted, {"$floor": "$tokens"}]}}},
                {"$set": {"tokens": {"$subtract": ["$tokens", "$taken"]}}},
            ],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return found
