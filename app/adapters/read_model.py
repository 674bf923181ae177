"""The projection in MongoDB: what people query, and what answers while a key has no owner.

Each document stands for one version of its order or product, and a write never takes it back: an upsert is guarded by
`version`, so a replay or a slow twin loses against what is there. Payments and shipments are views over the orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel, UpdateOne
from pymongo.errors import BulkWriteError, CollectionInvalid, OperationFailure

from app.adapters.mongo import Collection, Database, Document

DUPLICATE_KEY: Final = 11000
NAMESPACE_EXISTS: Final = 48

ORDER_INDEXES: Final = [
    IndexModel([("userId", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("status", ASCENDING), ("createdAt", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("createdAt", DESCENDING), ("_id", DESCENDING)]),
]


class ReadModel:
    """Orders and stock as they were last told, with the payments and shipments of the orders."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders: Collection = database["orders"]
        self._stock: Collection = database["inventory"]

    async def prepare(self) -> None:
        """Make the indexes and views that are missing."""
        await self._orders.create_indexes(ORDER_INDEXES)
        for name, part in (("payments", "payment"), ("shipments", "shipment")):
            shown = [{"$replaceRoot": {"newRoot": {"$mergeObjects": [{"_id": "$_id"}, f"${part}"]}}}]
            try:
                await self._database.command("create", name, viewOn="orders", pipeline=shown)
            except (CollectionInvalid, OperationFailure) as error:
                if getattr(error, "code", None) != NAMESPACE_EXISTS:
                    raise

    async def ping(self) -> None:
        """Raises `PyMongoError` when MongoDB does not answer."""
        await self._database.command("ping")

    async def save_orders(self, documents: Iterable[Document]) -> None:
        """Keep these documents, each unless a newer version is there. Raises `PyMongoError`."""
        await _save(self._orders, documents)

    async def save_stock(self, documents: Iterable[Document]) -> None:
        """Keep these documents, each unless a newer version is there. Raises `PyMongoError`."""
        await _save(self._stock, documents)

    async def order(self, order_id: str) -> Document | None:
        """The order as it was last told. Raises `PyMongoError`."""
        return await self._orders.find_one({"_id": order_id})

    async def stock(self, product_id: str) -> Document | None:
        """The product as it was last told. Raises `PyMongoError`."""
        return await self._stock.find_one({"_id": product_id})

    async def orders(self, wanted: Mapping[str, str], before: tuple[Any, str] | None, limit: int) -> list[Document]:
        """At most `limit` orders whose fields are as `wanted`, newest first, from behind `before`: (createdAt, id)."""
        query: Document = dict(wanted)
        if before is not None:
            at, order_id = before
            query["$or"] = [{"createdAt": {"$lt": at}}, {"createdAt": at, "_id": {"$lt": order_id}}]
        newest_first = [("createdAt", DESCENDING), ("_id", DESCENDING)]
        return await self._orders.find(query).sort(newest_first).limit(limit).to_list(limit)

    async def catalogue(self, after: str | None, limit: int) -> list[Document]:
        """At most `limit` products by id, from behind `after`. Raises `PyMongoError`."""
        query: Document = {} if after is None else {"_id": {"$gt": after}}
        return await self._stock.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)


async def _save(collection: Collection, documents: Iterable[Document]) -> None:
    guarded = [
        UpdateOne({"_id": it["_id"], "version": {"$lt": it["version"]}}, {"$set": it}, upsert=True) for it in documents
    ]
    if not guarded:
        return
    try:
        await collection.bulk_write(guarded, ordered=False)
    except BulkWriteError as error:
        # The guard did not match, so the upsert tried to insert: a newer version is there, and stays.
        if any(it["code"] != DUPLICATE_KEY for it in error.details["writeErrors"]):
            raise
