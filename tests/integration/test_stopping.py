"""SIGTERM: a worker says at once that it is not ready, answers what it is at, lets go, and ends within five seconds."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest
from worker_process import WorkerFactory, WorkerProcess, wait_settled

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod

LIMIT_S = 5.0
AT_ONCE_S = 1.0
QUICK_SESSION = {"SESSION_TIMEOUT_S": "6"}
ORDER = {"userId": "u-1", "items": [{"productId": "p1", "quantity": 1}]}
STOCK = {"productId": "p1", "quantity": 100, "price": 100, "currency": "EUR"}


@pytest.fixture
def own_kafka(kafka_software: KafkaSoftware, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """A broker that this test may stop."""
    with EmbeddedKafka(tmp_path_factory.mktemp("kafka"), kafka_software) as broker:
        yield broker
        if broker.alive:
            os.kill(broker.pid, signal.SIGCONT)


@pytest.fixture
async def customer() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}, timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield session


async def ended(worker: WorkerProcess) -> tuple[int, float]:
    """The worker's exit code, and how long it took from SIGTERM on, which it is sent here."""
    began_s = time.monotonic()
    worker.child.ask_to_end()
    code = await asyncio.to_thread(worker.child.wait, 2 * LIMIT_S)
    assert code is not None, worker.child.log_tail()
    return code, time.monotonic() - began_s


async def place(customer: aiohttp.ClientSession, worker: WorkerProcess, order_id: str) -> None:
    async with customer.put(f"{worker.url}/v1/inventory/update", json=STOCK) as answer:
        assert answer.status == 200
    async with customer.post(f"{worker.url}/v1/orders", json=ORDER | {"orderId": order_id}) as answer:
        assert answer.status == 201


async def test_a_request_that_waits_is_answered_and_its_connection_closed(
    worker_factory: WorkerFactory, customer: aiohttp.ClientSession
) -> None:
    worker = worker_factory(environment={"GATEWAY_DELAY_S": "60"})
    await place(customer, worker, "o1")

    async def wait() -> tuple[int, str | None]:
        async with customer.get(f"{worker.url}/v1/orders/o1", headers={"Prefer": "wait=20"}) as answer:
            await answer.read()
            return answer.status, answer.headers.get("Connection")

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0.5)
    assert not waiting.done(), "the request was to be under way"
    code, took_s = await ended(worker)
    assert (code, await waiting) == (0, (200, "close"))
    assert took_s < LIMIT_S


async def test_what_it_owned_is_somebody_elses_within_three_seconds(worker_factory: WorkerFactory) -> None:
    workers = [worker_factory(environment=QUICK_SESSION) for _ in range(2)]
    wait_settled(workers)
    held = len(workers[0].ask("/cluster/worker")["partitions"])
    code, took_s = await ended(workers[1])
    began_s = time.monotonic() - took_s
    while (now := len(workers[0].ask("/cluster/worker")["partitions"])) <= held:
        assert time.monotonic() - began_s < 3.0, "the other worker has still not taken over"
        await asyncio.sleep(0.02)
    assert (code, now) == (0, 2 * held)


@pytest.mark.parametrize("freeze", [True, False], ids=["hangs", "is gone"])
async def test_it_ends_in_time_while_the_broker(
    worker_factory: WorkerFactory, own_kafka: EmbeddedKafka, customer: aiohttp.ClientSession, freeze: bool
) -> None:
    worker = worker_factory(environment={"KAFKA_URL": own_kafka.url})
    await place(customer, worker, "o1")
    if freeze:
        os.kill(own_kafka.pid, signal.SIGSTOP)
    else:
        await asyncio.to_thread(own_kafka.kill)

    async def post(order_id: str) -> tuple[int, str | None, str | None]:
        async with customer.post(f"{worker.url}/v1/orders", json=ORDER | {"orderId": order_id}) as answer:
            await answer.read()
            return answer.status, answer.headers.get("Retry-After"), answer.headers.get("Connection")

    waiting = asyncio.create_task(post("o2"))
    await asyncio.sleep(0.3)
    ending = asyncio.create_task(ended(worker))
    await asyncio.sleep(0.1)
    asked_s = time.monotonic()
    async with customer.get(f"{worker.url}/health/ready") as probe:
        assert (probe.status, await probe.json()) == (503, {"status": "stopping"})
    assert time.monotonic() - asked_s < AT_ONCE_S, "it asked the broker first"
    assert await post("o3") == (503, "1", "close")
    async with customer.get(f"{worker.url}/v1/orders/o1") as read:
        assert (read.status, read.headers["Connection"]) == (200, "close")
    status, retry_after, _ = await waiting
    assert (status, retry_after) == (503, "1")
    _, took_s = await ending
    assert took_s < LIMIT_S


async def test_it_ends_in_time_and_in_good_order_while_the_database_hangs(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, customer: aiohttp.ClientSession
) -> None:
    worker = worker_factory()
    await place(customer, worker, "o1")
    os.kill(mongo.pid, signal.SIGSTOP)
    try:
        await place(customer, worker, "o2")  # its facts wait for MongoDB, and its payment for the gateway's ledger
        await asyncio.sleep(0.5)
        code, took_s = await ended(worker)
    finally:
        os.kill(mongo.pid, signal.SIGCONT)
    assert code == 0
    assert took_s < LIMIT_S


async def test_it_ends_in_time_while_it_still_starts(worker_factory: WorkerFactory, own_kafka: EmbeddedKafka) -> None:
    worker = worker_factory(environment={"KAFKA_URL": own_kafka.url})
    worker.term()
    os.kill(own_kafka.pid, signal.SIGSTOP)
    worker.start()
    await asyncio.sleep(3.0)  # it has begun, and asks the broker for its topics
    _, took_s = await ended(worker)
    assert took_s < LIMIT_S
