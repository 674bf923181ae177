"""Lists on a real MongoDB: whatever is asked for, a page is read from an index in the order it is shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from app.adapters.mongo import Database, database
from app.adapters.progress import Progress
from app.adapters.read_model import ReadModel
from app.embedded.mongod import EmbeddedMongod

ORDERS = 3000
PRODUCTS = 500
LIMIT = 20
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
STATUSES = ("SHIPPED", "PENDING", "REJECTED")


def order(number: int) -> dict[str, Any]:
    """Three in a row came in the same millisecond; every second is of one large customer."""
    at = BEGAN + timedelta(milliseconds=number // 3)
    user = "large" if number % 2 else f"u{number % 97}"
    return {"_id": f"o{number:05}", "userId": user, "status": STATUSES[number % 5 % 3], "createdAt": at}


@pytest.fixture
async def profiled(mongo: EmbeddedMongod, app_id: str) -> AsyncIterator[Database]:
    """A database with orders and products that notes how it finds them."""
    filled = database(mongo.url, app_id)
    await ReadModel(filled).prepare()
    await filled["orders"].insert_many([order(number) for number in range(ORDERS)])
    await filled["inventory"].insert_many([{"_id": f"p{number:04}"} for number in range(PRODUCTS)])
    await filled.command("profile", 2)
    yield filled
    client: AsyncIOMotorClient[Any] = filled.client
    client.close()


async def last_plan(profiled: Database, collection: str) -> dict[str, Any]:
    """How MongoDB answered the last query of a collection."""
    asked = {"op": {"$in": ["query", "command"]}, "ns": f"{profiled.name}.{collection}", "command.find": collection}
    [plan] = await profiled["system.profile"].find(asked).sort("ts", -1).limit(1).to_list(1)
    return plan


def must_be_cheap(plan: dict[str, Any], shown: int) -> None:
    assert "COLLSCAN" not in plan["planSummary"]
    assert not plan.get("hasSortStage", False)
    assert plan["nreturned"] == shown
    assert plan["docsExamined"] <= shown + 3  # those of the cursor's own millisecond
    assert plan["keysExamined"] <= shown + 4


@pytest.mark.parametrize(
    "wanted",
    [{}, {"userId": "large"}, {"userId": "u4"}, {"status": "PENDING"}, {"userId": "large", "status": "REJECTED"}],
)
async def test_each_page_of_orders_is_read_from_an_index_and_none_twice(
    profiled: Database, wanted: dict[str, str]
) -> None:
    read_model = ReadModel(profiled)
    seen: list[str] = []
    before = None
    while page := await read_model.orders(wanted, before, LIMIT):
        must_be_cheap(await last_plan(profiled, "orders"), len(page))
        seen += [it["_id"] for it in page]
        before = page[-1]["createdAt"], page[-1]["_id"]
    expected = [it for it in map(order, range(ORDERS)) if all(it[name] == value for name, value in wanted.items())]
    assert seen == [it["_id"] for it in reversed(expected)]


async def test_each_page_of_the_catalogue_is_read_from_an_index_and_none_twice(profiled: Database) -> None:
    read_model = ReadModel(profiled)
    seen: list[str] = []
    while page := await read_model.catalogue(seen[-1] if seen else None, LIMIT):
        must_be_cheap(await last_plan(profiled, "inventory"), len(page))
        seen += [it["_id"] for it in page]
    assert seen == [f"p{number:04}" for number in range(PRODUCTS)]


async def test_one_order_with_its_history_and_the_progress_are_found_by_their_ids(profiled: Database) -> None:
    assert await ReadModel(profiled).order("o00007") is not None
    assert (await last_plan(profiled, "orders"))["docsExamined"] == 1
    assert await ReadModel(profiled).stock("p0007") is not None
    assert (await last_plan(profiled, "inventory"))["docsExamined"] == 1
    assert await Progress(profiled).of([("orders", 3)]) == {}
    assert "COLLSCAN" not in (await last_plan(profiled, "progress")).get("planSummary", "COLLSCAN")
