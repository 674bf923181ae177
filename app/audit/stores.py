"""What stands in MongoDB: the projection, and the ledgers that the simulated gateway and carrier keep there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, NamedTuple, Protocol

from app.adapters import mongo
from app.audit.facts import Shown
from app.audit.ledgers import Entry, read_entry


class Documents(NamedTuple):
    """All that the audit wants of MongoDB: the orders and products it shows, and what was done outside."""

    orders: dict[str, Shown]
    stock: dict[str, Shown]
    payments: list[Entry]
    shipments: list[Entry]


class Stores(Protocol):
    """Where documents come from: MongoDB, or a test's memory."""

    async def read(self) -> Documents:
        """Everything, as it is now. Raises `PyMongoError`."""


class MongoStores:
    """The database `name` at `url`."""

    def __init__(self, url: str, name: str) -> None:
        self._database = mongo.database(url, name)

    @mongo.steady
    async def read(self) -> Documents:
        """See `Stores`."""
        return Documents(
            {str(it["_id"]): _order(it) async for it in self._all("orders", "version", "status")},
            {str(it["_id"]): _stock(it) async for it in self._all("inventory", "version", "onHand", "reserved")},
            [read_entry(it) async for it in self._all("gateway_ledger")],
            [read_entry(it) async for it in self._all("carrier_ledger")],
        )

    def close(self) -> None:
        """Close the connections."""
        self._database.client.close()

    async def _all(self, collection: str, *fields: str) -> AsyncIterator[dict[str, Any]]:
        async for document in self._database[collection].find({}, list(fields) or None):
            yield document


def _order(document: dict[str, Any]) -> Shown:
    return Shown(int(document.get("version", 0)), document.get("status"))


def _stock(document: dict[str, Any]) -> Shown:
    return Shown(int(document.get("version", 0)), (document.get("onHand"), document.get("reserved")))
