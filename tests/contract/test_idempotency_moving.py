"""`Idempotency-Key` while keys move: workers join and die, and what was answered stays so until it is forgotten."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from itertools import chain
from typing import Any

import aiohttp
import pytest

from app.embedded.ports import free_port
from app.embedded.workers import Worker, make_worker
from tests.contract.api import Api, Document, Reply
from tests.contract.conftest import wait_ready

PRODUCT, USER, SUPPLY = "p-1", "u-1", 5_000
REPLAYED = "Idempotent-Replayed"
AT_ONCE = 8

Start = Callable[..., Worker]


@pytest.fixture
def start(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """Starts one more worker of the test's own system, without waiting for it."""
    app_id = f"moving-{uuid.uuid4().hex[:8]}"
    own = {**environment, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}.", "MONGO_DATABASE": app_id}
    home = tmp_path_factory.mktemp("moving")
    workers: list[Worker] = []

    def start_one(**settings: str) -> Worker:
        workers.append(make_worker(len(workers) + 1, free_port(), home, {**own, **settings}))
        workers[-1].child.start()
        return workers[-1]

    try:
        yield start_one
    finally:
        for worker in workers:
            worker.child.kill()


@pytest.fixture
async def api_of(document: dict[str, Any]) -> AsyncIterator[Callable[[Worker], Api]]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=45)) as session:
        yield lambda worker: Api(f"http://127.0.0.1:{worker.port}", session, Document(document))


class Client:
    """Places orders, each at all living workers at once, and again until all have taken it. Remembers every answer."""

    def __init__(self, apis: list[Api]) -> None:
        self.apis = apis
        self.replies: dict[str, list[Reply]] = {}
        self.busy: list[Reply] = []

    async def place_until(self, over: Callable[[], bool]) -> None:
        """Place one order after the other."""
        while not over():
            key = uuid.uuid4().hex
            self.replies[key] = []
            await self.place(key)

    async def place(self, key: str) -> None:
        """Place the order of this key."""
        async with asyncio.timeout(60):
            while not all(await asyncio.gather(*(self._taken(api, key) for api in list(self.apis)))):
                await asyncio.sleep(0.05)

    async def _taken(self, api: Api, key: str) -> bool:
        body = {"userId": USER, "items": [{"productId": PRODUCT, "quantity": 1}]}
        try:
            reply = await api.call("POST", "/v1/orders", body, headers={"Idempotency-Key": key})
        except aiohttp.ClientError:
            return api not in self.apis  # it was killed
        if reply.status in (409, 503):
            assert int(reply.headers["Retry-After"]) >= 1
            self.busy.append(reply)
            return False
        assert reply.status in (200, 201)
        self.replies[key].append(reply)
        return True


async def until_shared(apis: list[Api]) -> None:
    """Wait until all partitions are held by these workers, each of which holds some."""
    async with asyncio.timeout(60):
        while True:
            held = [await partitions_of(api) for api in apis]
            if all(held) and sorted(chain.from_iterable(held)) == list(range(8)):
                return
            await asyncio.sleep(0.1)


async def partitions_of(api: Api) -> list[int]:
    if (await api.call("GET", "/health/ready")).status != 200:
        return []
    tables = {it["name"]: it["partitions"] for it in (await api.call("GET", "/tables")).body["tables"]}
    assert tables["answers"] == tables["orders"], "an order without an id lies with its key"
    held: list[int] = tables["answers"]
    return held


async def test_a_key_is_one_order_while_workers_join_and_die(start: Start, api_of: Callable[[Worker], Api]) -> None:
    workers = [start(), start()]
    for worker in workers:
        await asyncio.to_thread(wait_ready, worker)
    apis = [api_of(worker) for worker in workers]
    await until_shared(apis)
    await apis[0].supply(PRODUCT, SUPPLY)

    client, over = Client(list(apis)), asyncio.Event()
    async with asyncio.TaskGroup() as placing:
        for _ in range(AT_ONCE):
            placing.create_task(client.place_until(over.is_set))
        try:
            apis.append(api_of(third := start()))
            await asyncio.to_thread(wait_ready, third)
            await until_shared(apis)
            placed_before_the_kill = list(client.replies)
            client.apis.remove(apis[1])
            workers[1].child.kill()
            await until_shared([apis[0], apis[2]])
        finally:
            over.set()

    assert any(reply.status == 409 for reply in client.busy), "no two were under way at once"
    assert len(placed_before_the_kill) > AT_ONCE
    await asyncio.gather(*(client.place(key) for key in placed_before_the_kill))
    for replies in client.replies.values():
        assert len({repr((it.status, it.body, it.headers["Content-Type"])) for it in replies}) == 1
        assert sum(REPLAYED not in it.headers for it in replies) <= 1
    await all_shipped_once(apis[0], {replies[0].body["orderId"] for replies in client.replies.values()})


async def all_shipped_once(api: Api, orders: set[str]) -> None:
    """Wait until these orders are shipped; fail if the user has any other, or if more left the warehouse."""
    async with asyncio.timeout(60):
        while True:
            listed = await all_orders(api)
            assert listed.keys() <= orders
            if [*listed.values()] == ["SHIPPED"] * len(orders):
                break
            await asyncio.sleep(0.1)
        while (stock := await api.stock(PRODUCT)) != (SUPPLY - len(orders), 0):
            assert stock[0] >= SUPPLY - len(orders)
            await asyncio.sleep(0.1)


async def all_orders(api: Api) -> dict[str, str]:
    """The status of each of the user's orders."""
    found: dict[str, str] = {}
    query = {"userId": USER, "limit": "1000"}
    while True:
        page = (await api.call("GET", "/v1/orders", query=query)).body
        found |= {it["orderId"]: it["status"] for it in page["items"]}
        if page["nextCursor"] is None:
            return found
        query["cursor"] = page["nextCursor"]


async def test_an_answer_is_forgotten_when_its_time_is_over(start: Start, api_of: Callable[[Worker], Api]) -> None:
    worker = start(ANSWER_KEPT_S="3")
    await asyncio.to_thread(wait_ready, worker)
    api = api_of(worker)
    await api.supply(PRODUCT, 5)
    first, second = ({"orderId": it, "userId": USER, "items": [{"productId": PRODUCT, "quantity": 1}]} for it in "ab")
    key = {"Idempotency-Key": "k"}
    assert (await api.call("POST", "/v1/orders", first, headers=key)).status == 201
    assert (await api.call("POST", "/v1/orders", second, headers=key)).status == 422
    assert await adjusted(api, 5) == 5
    await forget_answers(worker, api)
    assert (await api.call("POST", "/v1/orders", second, headers=key)).status == 201
    assert await adjusted(api, 5) == 5, "the change itself is still known, and is not made twice"
    await forget_answers(worker, api)
    assert await adjusted(api, 7) == 12, "another change under a key that is used again is made"


async def forget_answers(worker: Worker, api: Api) -> None:
    """Kill the worker, start it again, and wait until the time of all answers is over."""
    worker.child.kill()
    worker.child.start()
    await asyncio.to_thread(wait_ready, worker)
    async with asyncio.timeout(30):
        while (await api.call("GET", "/tables/answers")).body["rows"]:
            await asyncio.sleep(0.1)


async def adjusted(api: Api, by: int) -> int:
    """On-hand after this change, always asked for under the same key."""
    body = {"productId": "changed", "quantity": by, "mode": "adjust"}
    changed = await api.call("PUT", "/v1/inventory/update", body, headers={"Idempotency-Key": "change"})
    assert changed.status == 200
    return int(changed.body["onHand"])
