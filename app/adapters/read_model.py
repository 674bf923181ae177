"""The projection in MongoDB: what people query, and what answers while a key has no owner.

It is written by `projection_writes.py`. Payments and shipments are views over the orders.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pymongo import ASCENDING, DESCENDING, IndexModel

from app.adapters.mongo import Collection, Database, Document, create, steady
from app.adapters.together import Together

ORDERS: Final = "orders"
STOCK: Final = "inventory"

_NEWEST_FIRST: Final = [("createdAt", DESCENDING), ("_id", DESCENDING)]

ORDER_INDEXES: Final = [
    IndexModel([*((name, ASCENDING) for name in wanted), *_NEWEST_FIRST])
    for wanted in ((), ("userId",), ("status",), ("userId", "status"))
]
"""One for each way to ask for orders: whatever there is, a page costs no more than it shows."""

INDEXES: Final[Mapping[str, list[IndexModel]]] = {ORDERS: ORDER_INDEXES, STOCK: []}


class ReadModel:
    """Orders and stock as they were last told, with the payments and shipments of the orders."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._orders: Collection = database[ORDERS]
        self._stock: Collection = database[STOCK]
        self._together = Together(self._orders_of)

    async def prepare(self) -> None:
        """Make the indexes and views that are missing."""
        await self._orders.create_indexes(ORDER_INDEXES)
        for name, part in (("payments", "payment"), ("shipments", "shipment")):
            shown = [{"$replaceRoot": {"newRoot": {"$mergeObjects": [{"_id": "$_id"}, f"${part}"]}}}]
            await create(self._database, name, viewOn=ORDERS, pipeline=shown)

    async def ping(self) -> None:
        """Raises `PyMongoError` when MongoDB does not answer."""
        await self._database.command("ping")

    async def order(self, order_id: str) -> Document | None:
        """The order as it was last told. Raises `PyMongoError`."""
        return await self._together.get(order_id)

    @steady
    async def _orders_of(self, order_ids: list[str]) -> dict[str, Document]:
        found = await self._orders.find({"_id": {"$in": order_ids}}).to_list(None)
        return {it["_id"]: it for it in found}

    @steady
    async def order_versions(self, order_ids: Iterable[str]) -> dict[str, int]:
        """The versions of those of the orders that are here. Raises `PyMongoError`."""
        found = await self._orders.find({"_id": {"$in": list(order_ids)}}, {"version": 1}).to_list(None)
        return {it["_id"]: it["version"] for it in found}

    @steady
    async def stock(self, product_id: str) -> Document | None:
        """The product as it was last told. Raises `PyMongoError`."""
        return await self._stock.find_one({"_id": product_id})

    @steady
    async def orders(self, wanted: Mapping[str, str], before: tuple[Any, str] | None, limit: int) -> list[Document]:
        """At most `limit` orders whose fields are as `wanted`, newest first, from behind `before`: (createdAt, id)."""
        query: Document = dict(wanted)
        if before is not None:
            at, order_id = before
            query["createdAt"] = {"$lte": at}  # where the index is entered; the rest leaves out what has been shown
            query["$or"] = [{"createdAt": {"$lt": at}}, {"_id": {"$lt": order_id}}]
        return await self._orders.find(query).sort(_NEWEST_FIRST).limit(limit).to_list(limit)

    @steady
    async def catalogue(self, after: str | None, limit: int) -> list[Document]:
        """At most `limit` products by id, from behind `after`. Raises `PyMongoError`."""
        query: Document = {} if after is None else {"_id": {"$gt": after}}
        return await self._stock.find(query).sort("_id", ASCENDING).limit(limit).to_list(limit)
