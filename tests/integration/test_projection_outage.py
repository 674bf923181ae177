"""MongoDB is killed under load: orders go on without it, and the projection waits, catches up and misses nothing."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Commands
from confluent_kafka import Producer
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from schemas.codec import encode
from schemas.commands import SetStock

ORDERS = 60
CHANGES = 25_000
"""More facts of stock than a worker holds in memory at once."""


@pytest.fixture
def own_mongo(mongod_executable: Path, tmp_path: Path) -> Iterator[EmbeddedMongod]:
    """A MongoDB that this test may kill."""
    with EmbeddedMongod(tmp_path / "mongod", mongod_executable) as server:
        yield server


async def waiting(shop: Shop, order_id: str, timeout_s: float = 20.0) -> None:
    """Place an order that waits to be paid, and see it come so far."""
    await shop.place(order_id, {"tea": 1}, payment={"mode": "manual"})
    async with asyncio.timeout(timeout_s):
        while True:
            status, order = await shop.call("GET", f"/v1/orders/{order_id}", headers={"Prefer": "wait=5"})
            if (status, order["status"]) == (200, "AWAITING_PAYMENT"):
                return


async def test_mongodb_killed_under_load_stops_no_order_and_loses_no_fact(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, own_mongo: EmbeddedMongod, app_id: str
) -> None:
    commands = Commands(kafka, own_mongo, app_id)
    worker = worker_factory(environment={"MONGO_URL": own_mongo.url})
    writer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    async with Shop([worker.url], own_mongo.url, app_id) as shop:
        await asyncio.gather(*(shop.supply(product, 1_000) for product in ("tea", "cup")))
        shipped = [f"o{number}" for number in range(ORDERS)]
        await asyncio.gather(*(shop.place(it, {"cup": 1}) for it in shipped))
        await shop.all_at_rest(shipped)

        own_mongo.kill()
        for number in range(CHANGES):
            change = SetStock("cup", f"c{number}", quantity=1_000 + number)
            writer.produce(f"{app_id}.inventory", encode(change), b"cup")
        assert writer.flush(30) == 0
        unpaid = [f"w{number}" for number in range(ORDERS)]
        await asyncio.gather(*(waiting(shop, it) for it in unpaid))
        cancelled = unpaid[: ORDERS // 2]
        await asyncio.gather(*(shop.call("PUT", f"/v1/orders/{it}/cancel") for it in cancelled))
        assert {it["status"] for it in await shop.all_at_rest(cancelled)} == {"CANCELLED"}
        async with asyncio.timeout(60):
            while (await shop.stock("cup"))["onHand"] != 1_000 + CHANGES - 1:
                await asyncio.sleep(0.1)
        assert (await shop.once("GET", "/v1/orders"))[0] == 503, "the outage was over before"

        own_mongo.start()
        async with asyncio.timeout(60):
            while (shown := shop.database["inventory"].find_one({"_id": "cup"})) is None or shown["version"] < 1_000:
                await asyncio.sleep(0.01)
        worker.kill()
        worker.start()
        await asyncio.to_thread(worker.wait_ready)

        await asyncio.gather(*(shop.call("POST", "/v1/payments", json={"orderId": it}) for it in unpaid[ORDERS // 2 :]))
        shipped += unpaid[ORDERS // 2 :]
        await shop.all_at_rest(shipped)
        assert await commands.settled_audit() == []
        stock = await shop.stock("cup")
        shown = shop.database["inventory"].find_one({"_id": "cup"})
        assert shown is not None
        assert (shown["onHand"], shown["version"]) == (stock["onHand"], stock["version"])
        statuses = {it["_id"]: it["status"] for it in shop.database["orders"].find()}
        assert statuses == dict.fromkeys(shipped, "SHIPPED") | dict.fromkeys(cancelled, "CANCELLED")
