"""Finished orders leave the workers' tables, and nobody can tell but by `x-read-source`.

Retention is a second here, and what an order held stays a second longer: `wait_forgotten` waits until both are over.
"""

import asyncio
import json
import os
import random
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from shop import Shop
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.workers import faust_command

SHORT = {"ORDER_RETENTION_S": "1", "LONGEST_PAUSE_S": "1", "ANSWER_KEPT_S": "1", "PARTITIONS": "2"}
QUICK = {**SHORT, "SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "1"}
OF_ORDERS = ("orders", "payments", "shipments")


async def rows(shop: Shop, table: str) -> list[str]:
    """The keys of a table's rows on all workers that answer."""
    found: list[str] = []
    for url in shop.urls:
        async with shop._session.get(f"{url}/tables/{table}") as answer:
            if answer.status == 200:
                found += [row["key"] for row in (await answer.json())["rows"]]
    return found


async def wait_forgotten(shop: Shop, timeout_s: float = 60.0) -> None:
    """Wait until no worker has anything of any order: no order, payment, shipment, reservation, adjustment."""
    async with asyncio.timeout(timeout_s):
        while [key for table in OF_ORDERS for key in await rows(shop, table)] + [
            key for key in await rows(shop, "inventory") if "/" in key
        ]:
            await asyncio.sleep(0.1)


async def request(shop: Shop, method: str, path: str, **details: Any) -> tuple[int, dict[str, Any], Any]:
    """Status, body and headers of one request to the first worker."""
    async with shop._session.request(method, shop.urls[0] + path, **details) as answer:
        return answer.status, await answer.json(content_type=None), answer.headers


@pytest.fixture
def audit(kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str) -> Callable[[], dict[str, Any]]:
    """Runs the audit until nothing is in flight; gives its report."""
    names = {"KAFKA_URL": kafka.url, "MONGO_URL": mongo.url, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}."}

    def run() -> dict[str, Any]:
        for _ in range(20):
            ended = subprocess.run(
                faust_command("audit", "--json"),
                capture_output=True,
                text=True,
                env={**os.environ, **SHORT, **names, "MONGO_DATABASE": app_id},
                timeout=120,
                check=False,
            )
            report: dict[str, Any] = json.loads(ended.stdout)
            if not report["inFlight"]:
                return report
        raise AssertionError(report["inFlight"])

    return run


async def place_every_kind(shop: Shop) -> dict[str, dict[str, Any]]:
    """Orders that end in each way that is an end, at rest."""
    await shop.supply("789", 100)
    await shop.place("shipped", {"789": 2})
    await shop.place("rejected", {"789": 1}, payment={"method": "declined"})
    await shop.place("cancelled", {"789": 1}, payment={"mode": "manual"})
    status, _ = await shop.call("PUT", "/v1/orders/cancelled/cancel")
    assert status == 202
    orders = await shop.all_at_rest(["shipped", "rejected", "cancelled"])
    ended = {order["orderId"]: order for order in orders}
    assert {order_id: order["status"] for order_id, order in ended.items()} == {it: it.upper() for it in ended}
    return ended


async def test_a_forgotten_order_is_answered_as_before(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, audit: Callable[[], dict[str, Any]]
) -> None:
    worker = worker_factory(environment=SHORT)
    async with Shop([worker.url], mongo.url, app_id) as shop:
        ended = await place_every_kind(shop)
        legs = {it: (await shop.call("GET", f"/v1/{it}/shipped"))[1] for it in ("payments", "shipping")}
        await wait_forgotten(shop)

        await assert_answered_as_before(shop, ended, legs)
        worker.term()
        worker.restart()
        assert await rows(shop, "orders") == []
        await assert_answered_as_before(shop, ended, legs)
        assert (await shop.stock("789"))["onHand"] == 98
    report = audit()
    assert report["differences"] == []
    assert report["orders"] == 3


async def assert_answered_as_before(shop: Shop, ended: dict[str, Any], legs: dict[str, Any]) -> None:
    """Reads, repetitions, and what comes too late."""
    for order_id, order in ended.items():
        status, body, headers = await request(shop, "GET", f"/v1/orders/{order_id}")
        assert (status, body, headers["x-read-source"]) == (200, order, "projection")
        assert int(headers["Age"]) >= 0
    for leg, shown in legs.items():
        status, body, headers = await request(shop, "GET", f"/v1/{leg}/shipped")
        assert (status, body["status"], headers["x-read-source"]) == (200, shown["status"], "projection")
    status, body, _ = await request(shop, "GET", "/v1/orders/shipped/events")
    assert (status, body["items"][-1]["status"]) == (200, "SHIPPED")
    assert await shop.place("shipped", {"789": 2}) == 200
    assert await shop.place("shipped", {"789": 3}) == 409
    assert (await request(shop, "PUT", "/v1/orders/shipped/cancel"))[0] == 409
    assert (await request(shop, "PUT", "/v1/orders/cancelled/cancel"))[0] == 200
    assert (await request(shop, "POST", "/v1/payments", json={"orderId": "shipped"}))[0] == 200
    assert (await request(shop, "POST", "/v1/payments", json={"orderId": "rejected"}))[0] == 409
    assert (await request(shop, "POST", "/v1/shipping", json={"orderId": "cancelled"}))[0] == 409
    assert (await request(shop, "GET", "/v1/orders/never"))[0] == 404
    assert await rows(shop, "orders") == []


async def test_a_repeated_request_is_the_same_order_also_when_its_key_is_forgotten(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment=SHORT)
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        order = {"json": {"userId": "u", "items": [{"productId": "789", "quantity": 1}]}}
        keyed = {**order, "headers": {"Idempotency-Key": "once"}}
        status, placed, _ = await request(shop, "POST", "/v1/orders", **keyed)
        assert status == 201
        await shop.at_rest(placed["orderId"])
        await wait_forgotten(shop)
        async with asyncio.timeout(30):
            while await rows(shop, "answers"):
                await asyncio.sleep(0.1)

        status, again, headers = await request(shop, "POST", "/v1/orders", **keyed)
        assert (status, again["orderId"], again["status"]) == (200, placed["orderId"], "SHIPPED")
        assert headers["x-read-source"] == "projection"


async def test_an_order_that_mongodb_does_not_have_stays(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    """As when a backup was put back that lacks it."""
    worker = worker_factory(environment={**SHORT, "ORDER_RETENTION_S": "4"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await place_every_kind(shop)
        async with asyncio.timeout(10):
            while not shop.database["orders"].find_one({"_id": "rejected", "status": "REJECTED"}):
                await asyncio.sleep(0.05)
        shop.database["orders"].delete_one({"_id": "rejected"})

        async with asyncio.timeout(60):
            while await rows(shop, "orders") != ["rejected"]:
                await asyncio.sleep(0.1)
        assert (await request(shop, "GET", "/v1/orders/rejected"))[:1] == (200,)


async def test_rows_that_come_back_behind_their_deletion_stay_away(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str
) -> None:
    """A worker that was paused wakes, and writes what it had in its hands."""
    worker = worker_factory(environment={**SHORT, "PARTITIONS": "1"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await place_every_kind(shop)
        await wait_forgotten(shop)
        worker.kill()
        changelogs = [f"{app_id}-{table}-changelog" for table in (*OF_ORDERS, "inventory")]
        for changelog in changelogs:
            write_again(kafka, changelog, lambda key: key != b"789")
        worker.restart()

        for table in OF_ORDERS:
            assert await rows(shop, table) == []
        assert await rows(shop, "inventory") == ["789"]
        async with asyncio.timeout(30):
            while any(last_values(kafka, changelog).get(b"shipped") for changelog in changelogs[:3]):
                await asyncio.sleep(0.2)


def read(kafka: EmbeddedKafka, changelog: str) -> list[tuple[bytes, bytes | None]]:
    reader = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "t", "enable.auto.commit": False})
    try:
        place = TopicPartition(changelog, 0, 0)
        _, end = reader.get_watermark_offsets(place, timeout=10)
        reader.assign([place])
        found: list[tuple[bytes, bytes | None]] = []
        while len(found) < end and (message := reader.poll(10)) is not None:
            key, value = message.key(), message.value()
            assert isinstance(key, bytes)
            found.append((key, value if isinstance(value, bytes) else None))
            if message.offset() == end - 1:
                break
        return found
    finally:
        reader.close()


def last_values(kafka: EmbeddedKafka, changelog: str) -> dict[bytes, bytes | None]:
    return dict(read(kafka, changelog))


def write_again(kafka: EmbeddedKafka, changelog: str, wanted: Callable[[bytes], bool]) -> None:
    """Every row that was ever written, once more, in its order: behind all deletions."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    for key, value in read(kafka, changelog):
        if value is not None and wanted(key):
            producer.produce(changelog, key=key, value=value, partition=0)
    assert producer.flush(10) == 0


async def test_orders_are_forgotten_once_while_workers_are_killed(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, audit: Callable[[], dict[str, Any]]
) -> None:
    workers = [worker_factory(environment=QUICK) for _ in range(2)]
    chance = random.Random(5)
    async with Shop([it.url for it in workers], mongo.url, app_id) as shop:
        await shop.supply("789", 1_000)
        order_ids = [f"o{number}" for number in range(200)]
        placing = asyncio.gather(*(place_late(shop, order_id, 20 * chance.random()) for order_id in order_ids))
        for nth in range(3):
            await asyncio.sleep(5)
            await kill_and_restart(workers[nth % 2])
        statuses = await placing
        ended = await shop.all_at_rest(order_ids)
        await wait_forgotten(shop)

        assert set(statuses) <= {200, 201}
        assert {order["status"] for order in ended} == {"SHIPPED"}
        assert (await shop.settled_stock("789"))["onHand"] == 1_000 - len(order_ids)
        assert shop.money() == {"authorize": 100 * len(order_ids), "capture": 100 * len(order_ids)}
        again = await asyncio.gather(*(shop.place(order_id, {"789": 1}) for order_id in order_ids))
        assert set(again) == {200}
    report = await asyncio.to_thread(audit)
    assert report["differences"] == []
    assert report["orders"] == len(order_ids)


async def place_late(shop: Shop, order_id: str, wait_s: float) -> int:
    await asyncio.sleep(wait_s)
    return await shop.place(order_id, {"789": 1})


async def kill_and_restart(worker: WorkerProcess) -> None:
    worker.kill()
    await asyncio.to_thread(worker.restart)
