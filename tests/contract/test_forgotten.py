"""Orders that were finished so long ago that they have left the tables: MongoDB has them, and answers for them."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.collection import Collection

from app.embedded.mongod import EmbeddedMongod
from tests.contract.api import Api

WAIT = {"Prefer": "wait=20"}
Documents = Collection[dict[str, Any]]


@pytest.fixture
def documents(mongo: EmbeddedMongod, environment: dict[str, str]) -> Iterator[Documents]:
    """The orders of the read model."""
    client: MongoClient[dict[str, Any]] = MongoClient(mongo.url)
    yield client[environment["MONGO_DATABASE"]]["orders"]
    client.close()


def order(order_id: str | None, product_id: str, quantity: int = 1) -> dict[str, Any]:
    named = {} if order_id is None else {"orderId": order_id}
    return {**named, "userId": "u", "items": [{"productId": product_id, "quantity": quantity}]}


async def forgotten(api: Api, documents: Documents, product_id: str, *, cancelled: bool = False) -> str:
    """The id of an order that has ended, and that only MongoDB knows: a twin of one that was really there."""
    choice = {"payment": {"mode": "manual"}} if cancelled else {}
    placed = await api.call("POST", "/v1/orders", {**order(None, product_id), **choice}, headers=WAIT)
    if cancelled:
        placed = await api.call("PUT", f"/v1/orders/{placed.body['orderId']}/cancel", headers=WAIT)
    assert placed.body["status"] == ("CANCELLED" if cancelled else "SHIPPED")
    listed = {"x-position": placed.headers["x-position"]}
    assert (await api.call("GET", "/v1/orders", headers=listed)).status == 200
    document = documents.find_one({"_id": placed.body["orderId"]})
    assert document is not None
    assert document["status"] == placed.body["status"]
    twin = uuid.uuid4().hex
    for part in (document, document["payment"], document["shipment"], document["events"]):
        part["orderId"] = twin
    documents.insert_one({**document, "_id": twin})
    return twin


async def test_each_read_of_a_forgotten_order_is_answered_from_mongodb(
    api: Api, documents: Documents, fresh: str
) -> None:
    await api.supply(fresh, 5)
    order_id = await forgotten(api, documents, fresh)
    paths = (f"/v1/orders/{order_id}", f"/v1/orders/status/{order_id}", f"/v1/orders/{order_id}/events",
             f"/v1/payments/{order_id}", f"/v1/shipping/{order_id}")  # fmt: skip
    for path in paths:
        told = await api.call("GET", path)
        assert (told.status, told.body["orderId"]) == (200, order_id)
        assert (told.headers["x-read-source"], int(told.headers["Age"]) >= 0) == ("projection", True)
        # it was made in another partition than its own, where its offset may not have been reached yet
        assert "x-position" in told.headers
    waited = await api.call("GET", paths[0], headers=WAIT)
    assert (waited.status, waited.body["status"]) == (200, "SHIPPED")


async def test_a_forgotten_order_is_not_taken_again(api: Api, documents: Documents, fresh: str) -> None:
    await api.supply(fresh, 5)
    order_id = await forgotten(api, documents, fresh)
    stock = await api.stock(fresh)
    same, other = order(order_id, fresh), order(order_id, fresh, 2)
    for headers in ({}, WAIT, {"Idempotency-Key": fresh}):
        again = await api.call("POST", "/v1/orders", same, headers=headers)
        assert (again.status, again.body["status"]) == (200, "SHIPPED")
    assert (await api.call("POST", "/v1/orders", other)).status == 409
    assert await api.stock(fresh) == stock


async def test_a_forgotten_order_can_be_neither_called_back_nor_paid_or_shipped_again(
    api: Api, documents: Documents, fresh: str
) -> None:
    await api.supply(fresh, 5)
    shipped = await forgotten(api, documents, fresh)
    assert (await api.call("PUT", f"/v1/orders/{shipped}/cancel")).status == 409
    paid = await api.call("POST", "/v1/payments", {"orderId": shipped})
    assert (paid.status, paid.body["orderId"], paid.body["status"]) == (200, shipped, "CAPTURED")
    booked = await api.call("POST", "/v1/shipping", {"orderId": shipped})
    assert (booked.status, booked.body["orderId"], booked.body["status"]) == (200, shipped, "BOOKED")

    cancelled = await forgotten(api, documents, fresh, cancelled=True)
    again = await api.call("PUT", f"/v1/orders/{cancelled}/cancel")
    assert (again.status, again.body["status"]) == (200, "CANCELLED")
    for path in ("/v1/payments", "/v1/shipping"):
        assert (await api.call("POST", path, {"orderId": cancelled})).status == 409
