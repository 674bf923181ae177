"""Two workers: any of them answers for every key, and reads go on while a key has no owner."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.access_settings import AccessSettings
from app.embedded.ports import free_port
from app.embedded.workers import Worker, make_worker
from app.security.marks import make_mark
from tests.contract.api import Api, Document
from tests.contract.conftest import wait_ready

WAIT = {"Prefer": "wait=20"}
PRODUCT = "p-1"


def forwarded() -> dict[str, str]:
    """The headers of a request that a worker has forwarded."""
    name, request_id = "x-forwarded-to-owner", uuid.uuid4().hex
    mark = make_mark(AccessSettings().workers_secret, time.time(), name, request_id, "demo")
    return {name: mark, "x-request-id": request_id}


def pair_of_workers(environment: dict[str, str], home: Path) -> Iterator[list[Worker]]:
    """Two workers of a system of their own with these settings, ready; they end with the iteration."""
    app_id = f"pair-{uuid.uuid4().hex[:8]}"
    own = {**environment, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}.", "MONGO_DATABASE": app_id}
    made = [make_worker(number, free_port(), home, own) for number in (1, 2)]
    try:
        for worker in made:
            worker.child.start()
        for worker in made:
            wait_ready(worker)
        yield made
    finally:
        for worker in made:
            worker.child.kill()


@pytest.fixture
def workers(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Worker]]:
    yield from pair_of_workers(environment, tmp_path_factory.mktemp("pair"))


@pytest.fixture
async def apis(workers: list[Worker], document: dict[str, Any]) -> AsyncIterator[list[Api]]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=45)) as session:
        made = [Api(f"http://127.0.0.1:{it.port}", session, Document(document)) for it in workers]
        await shared_out(made)
        yield made


async def shared_out(apis: list[Api]) -> None:
    """Wait until each worker holds half of the partitions, and answers for them."""
    async with asyncio.timeout(45):
        while True:
            tables = [(await api.call("GET", "/tables")).body["tables"] for api in apis]
            ready = [(await api.call("GET", "/health/ready")).status == 200 for api in apis]
            if all(ready) and all(len(table["partitions"]) == 4 for held in tables for table in held):
                return
            await asyncio.sleep(0.1)


def order(order_id: str) -> dict[str, Any]:
    return {"orderId": order_id, "userId": "u", "items": [{"productId": PRODUCT, "quantity": 1}]}


async def place_some(apis: list[Api], count: int) -> list[str]:
    """Place orders through the first worker, and wait until they are shipped and in the read model."""
    await apis[0].supply(PRODUCT, count)
    ids = [f"o-{number}" for number in range(count)]
    replies = await asyncio.gather(*(apis[0].call("POST", "/v1/orders", order(it), headers=WAIT) for it in ids))
    assert {(reply.status, reply.body["status"]) for reply in replies} == {(201, "SHIPPED")}
    async with asyncio.timeout(20):
        query = {"status": "SHIPPED", "limit": "1000"}
        while len((await apis[1].call("GET", "/v1/orders", query=query)).body["items"]) < count:
            await asyncio.sleep(0.05)
    return ids


async def held_by(api: Api) -> list[str]:
    """The ids of the orders that this worker holds."""
    rows = (await api.call("GET", "/tables/orders", query={"limit": "1000"})).body["rows"]
    return [row["key"] for row in rows]


async def test_any_worker_answers_for_every_key(apis: list[Api]) -> None:
    ids = await place_some(apis, 24)
    held = [await held_by(api) for api in apis]
    assert all(held), "the orders are shared out"
    assert sorted(held[0] + held[1]) == sorted(ids)

    for order_id in ids:
        replies = [await api.call("GET", f"/v1/orders/{order_id}", headers={"x-request-id": "r-1"}) for api in apis]
        assert replies[0].body == replies[1].body
        for reply in replies:
            assert (reply.status, reply.headers["x-request-id"]) == (200, "r-1")
            assert "x-read-source" not in reply.headers
        for api in apis:
            assert (await api.call("POST", "/v1/orders", order(order_id))).status == 200
            assert (await api.call("POST", "/v1/orders", {**order(order_id), "userId": "v"})).status == 409
            assert (await api.call("PUT", f"/v1/orders/{order_id}/cancel")).status == 409
            assert (await api.call("POST", "/v1/payments", {"orderId": order_id})).body["status"] == "CAPTURED"
    assert [await api.stock(PRODUCT) for api in apis] == [(0, 0)] * 2


async def test_a_forwarded_request_is_not_forwarded_again(apis: list[Api]) -> None:
    await place_some(apis, 24)
    theirs = (await held_by(apis[1]))[0]
    read = await apis[0].call("GET", f"/v1/orders/{theirs}", headers=forwarded())
    assert (read.status, read.headers["x-read-source"], int(read.headers["Age"]) >= 0) == (200, "projection", True)
    assert (await apis[0].call("PUT", f"/v1/orders/{theirs}/cancel", headers=forwarded())).status == 503


async def test_reads_go_on_while_an_owner_is_gone_and_writes_say_when_to_come_back(
    apis: list[Api], workers: list[Worker]
) -> None:
    await place_some(apis, 24)
    theirs = (await held_by(apis[1]))[0]
    before = (await apis[0].call("GET", f"/v1/orders/{theirs}")).body
    workers[1].child.kill()

    read = await apis[0].call("GET", f"/v1/orders/{theirs}")
    assert (read.status, read.headers["x-read-source"], read.body) == (200, "projection", before)
    assert (await apis[0].call("PUT", f"/v1/orders/{theirs}/cancel")).status == 503
    async with asyncio.timeout(40):
        while "x-read-source" in (read := await apis[0].call("GET", f"/v1/orders/{theirs}")).headers:
            assert (read.status, read.body) == (200, before)
            await asyncio.sleep(0.1)
    assert (read.status, read.body) == (200, before)
    assert (await apis[0].call("PUT", f"/v1/orders/{theirs}/cancel")).status == 409


async def test_orders_are_taken_while_an_owner_is_gone(apis: list[Api], workers: list[Worker]) -> None:
    await apis[0].supply(PRODUCT, 16)
    workers[1].child.kill()
    named = [apis[0].call("POST", "/v1/orders", order(f"g-{number}")) for number in range(12)]
    body = {key: value for key, value in order("").items() if key != "orderId"}
    keyed = [apis[0].call("POST", "/v1/orders", body, headers={"Idempotency-Key": f"k-{it}"}) for it in range(12)]
    assert {reply.status for reply in await asyncio.gather(*named, *keyed)} == {201}
