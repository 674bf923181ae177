"""Any worker answers as the owner would: at rest, while workers come and go, and to who reads what it has written."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from worker_process import WorkerFactory, WorkerProcess

READS = 2000
WRITES = 500
SESSIONS = 4000
"""10,000 went well, too, and took two minutes."""
CLIENTS = 24
PRODUCT = "p-1"
QUICK_SESSION = {"SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "1"}
PATHS = ("/v1/orders/{}", "/v1/orders/status/{}", "/v1/orders/{}/events", "/v1/payments/{}", "/v1/shipping/{}")


@dataclass
class Reply:
    status: int
    body: Any
    headers: Any


@dataclass
class Crowd:
    """Clients that ask any of the workers in `urls`, which may change."""

    session: aiohttp.ClientSession
    urls: list[str]
    chance: random.Random = field(default_factory=lambda: random.Random(5))

    async def call(self, method: str, path: str, url: str | None = None, **request: Any) -> Reply:
        """One request, to a random worker or to `url`; fails for what no client may ever see."""
        asked = url or self.chance.choice(self.urls)
        async with self.session.request(method, asked + path, **request) as told:
            body = await told.json(content_type=None)
            assert told.status != 500, body
            assert body, f"{method} {path} was answered {told.status} with nothing"
            if told.status == 503 and path.startswith("/v1/"):
                assert int(told.headers["Retry-After"]) >= 1
            return Reply(told.status, body, told.headers)

    async def patiently(self, method: str, path: str, **request: Any) -> Reply:
        """As `call`, again after each 503."""
        async with asyncio.timeout(60):
            while (told := await self.call(method, path, **request)).status == 503:
                await asyncio.sleep(0.1)
        return told

    async def supply(self, quantity: int) -> None:
        body = {"productId": PRODUCT, "quantity": quantity, "price": 100}
        assert (await self.patiently("PUT", "/v1/inventory/update", json=body)).status == 200

    async def settle(self, count: int) -> dict[str, dict[str, Any]]:
        """Orders that have shipped, and what their owner says at each path about them."""
        await self.supply(count)
        said: dict[str, dict[str, Any]] = {}

        async def one(order_id: str) -> None:
            placed = await self.patiently("POST", "/v1/orders", json=order(order_id), headers={"Prefer": "wait=30"})
            assert (placed.status, placed.body["status"]) == (201, "SHIPPED")
            owner = [url for url in self.urls if await self._holds(url, order_id)]
            assert len(owner) == 1
            said[order_id] = {}
            for path in PATHS:
                told = await self.call("GET", path.format(order_id), owner[0])
                assert (told.status, "x-read-source" in told.headers) == (200, False)
                said[order_id][path] = told.body

        await many(count, lambda number: one(f"settled-{number}"))
        return said

    async def _holds(self, url: str, order_id: str) -> bool:
        async with self.session.get(f"{url}/tables/orders/{order_id}") as told:
            return told.status == 200


def order(order_id: str, product: str = PRODUCT) -> dict[str, Any]:
    return {"orderId": order_id, "userId": "u", "items": [{"productId": product, "quantity": 1}]}


async def many(count: int, one: Callable[[int], Awaitable[None]]) -> None:
    """`one` for each number below `count`, by as many clients as there are."""
    numbers = iter(range(count))

    async def client() -> None:
        for number in numbers:
            await one(number)

    async with asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(client())


@pytest.fixture
async def workers(worker_factory: WorkerFactory) -> list[WorkerProcess]:
    started = [worker_factory(environment=QUICK_SESSION, wait=False) for _ in range(3)]
    for worker in started:
        await asyncio.to_thread(worker.wait_ready)
    return started


@pytest.fixture
async def crowd(workers: list[WorkerProcess]) -> Any:
    limits = aiohttp.ClientTimeout(total=45)
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}, timeout=limits) as session:
        made = Crowd(session, [worker.url for worker in workers])
        await shared_out(made)
        yield made


async def shared_out(crowd: Crowd) -> None:
    """Wait until all workers share the partitions out among them, and answer for them."""
    async with asyncio.timeout(60):
        while True:
            held: Counter[int] = Counter()
            for url in crowd.urls:
                tables = (await crowd.call("GET", "/tables", url)).body["tables"]
                mine = next(it["partitions"] for it in tables if it["name"] == "orders")
                ready = (await crowd.call("GET", "/health/ready", url)).status == 200
                held.update(mine if mine and ready else [])
            if held == Counter(range(8)):
                return
            await asyncio.sleep(0.2)


async def test_whichever_worker_is_asked_the_answer_is_the_owners(crowd: Crowd) -> None:
    said = await crowd.settle(60)
    ids = list(said)

    async def read(_: int) -> None:
        order_id, path = crowd.chance.choice(ids), crowd.chance.choice(PATHS)
        told = await crowd.call("GET", path.format(order_id))
        assert (told.status, told.body) == (200, said[order_id][path])
        assert "x-read-source" not in told.headers

    async def write(number: int) -> None:
        old, new = crowd.chance.choice(ids), f"new-{number}"
        key = {"Idempotency-Key": new}
        method, path, body, status = (
            ("POST", "/v1/orders", order(new, "unknown"), 201),
            ("POST", "/v1/orders", order(old), 200),
            ("POST", "/v1/orders", order(old, "another"), 409),
            ("PUT", f"/v1/orders/{old}/cancel", {"reason": "late"}, 409),
            ("PUT", f"/v1/orders/{new}/cancel", {}, 404),
            ("POST", "/v1/payments", {"orderId": old}, 200),
            ("POST", "/v1/shipping", {"orderId": old}, 200),
            ("PUT", "/v1/inventory/update", {"productId": new, "quantity": number, "price": 1}, 200),
        )[number % 8]
        told = await crowd.call(method, path, json=body, headers=key)
        assert (told.status, "x-position" in told.headers) == (status, status < 300)
        again = await crowd.call(method, path, json=body, headers=key)
        assert (again.status, again.body) == (status, told.body)

    async with asyncio.TaskGroup() as both:
        both.create_task(many(READS, read))
        both.create_task(many(WRITES, write))


async def test_while_one_comes_and_one_goes_every_read_is_answered_and_every_write_is_done_or_refused(
    crowd: Crowd, workers: list[WorkerProcess], worker_factory: WorkerFactory
) -> None:
    said = await crowd.settle(60)
    ids = list(said)
    sources: Counter[str] = Counter()
    statuses: Counter[int] = Counter()
    taken: list[str] = []
    moving = asyncio.Event()

    async def read(_: int) -> None:
        order_id, path = crowd.chance.choice(ids), crowd.chance.choice(PATHS)
        told = await crowd.call("GET", path.format(order_id))
        assert told.status == 200, told.body
        if path != PATHS[3] and path != PATHS[4]:  # what only the payment itself knows is not in its order
            assert told.body == said[order_id][path]
        sources[told.headers.get("x-read-source", "table")] += 1

    async def write(number: int) -> None:
        order_id = f"moving-{number}"
        told = await crowd.call("POST", "/v1/orders", json=order(order_id, "unknown"))
        statuses[told.status] += 1
        assert told.status in (200, 201, 503), told.body  # 200: it was sent, lost its owner, and was found by the next
        if told.status != 503:
            taken.append(order_id)

    async def as_long_as_they_move(one: Callable[[int], Awaitable[None]], least: int) -> None:
        done = 0
        while done < least or not moving.is_set():
            await many(100, lambda number, done=done: one(done + number))
            done += 100

    async def come_and_go() -> None:
        fourth = await asyncio.to_thread(worker_factory, environment=QUICK_SESSION)
        crowd.urls.append(fourth.url)
        await shared_out(crowd)
        crowd.urls.remove(workers[0].url)  # as a load balancer does, before it ends
        await asyncio.to_thread(workers[0].term)
        await shared_out(crowd)
        moving.set()

    async with asyncio.TaskGroup() as all_at_once:
        all_at_once.create_task(as_long_as_they_move(read, READS))
        all_at_once.create_task(as_long_as_they_move(write, WRITES))
        all_at_once.create_task(come_and_go())
    assert sources["projection"] > 0, "no key was without an owner: nothing was tried"
    assert len(taken) > statuses[503]
    for order_id in taken:
        found = await crowd.patiently("GET", f"/v1/orders/{order_id}", headers={"Prefer": "wait=30"})
        assert (found.status, found.body["status"]) == (200, "REJECTED")


async def test_a_client_that_reads_what_it_has_just_written_finds_it_and_never_an_older_version(crowd: Crowd) -> None:
    async def session(number: int) -> None:
        placed = order(f"mine-{number}", "unknown")
        if number % 4:
            del placed["orderId"]  # then it is answered before it is decided
        told = await crowd.patiently("POST", "/v1/orders", json=placed)
        assert told.status == 201, told.body
        order_id = told.body["orderId"]
        for path in PATHS[:2]:
            at = {"x-position": told.headers["x-position"]} if number % 2 else {}
            seen = await crowd.patiently("GET", path.format(order_id), headers=at)
            assert seen.status == 200, seen.body
            assert seen.body["version"] >= told.body["version"]
            told = seen

    await many(SESSIONS, session)
