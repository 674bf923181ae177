"""Two workers, one of which does not do its part: what a client is told, and how long that takes."""

import asyncio
import gzip
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
from confluent_kafka import Producer

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.workers import Worker
from schemas.codec import encode
from schemas.commands import CancelOrder
from tests.contract.api import Api, Document
from tests.contract.test_two_workers import forwarded, held_by, pair_of_workers, place_some, shared_out

READ_TIMEOUT_S = 2.0
LONGEST_READ_S = READ_TIMEOUT_S + 1.0 + 2.0
"""The owner's own wait, what a forwarded read may take longer, and a busy machine."""
REQUESTS = 200


@pytest.fixture
def own_mongo(mongod_executable: Path, tmp_path: Path) -> Iterator[EmbeddedMongod]:
    """A MongoDB that a test may stop."""
    with EmbeddedMongod(tmp_path / "mongod", mongod_executable) as server:
        yield server


@pytest.fixture
def workers(
    environment: dict[str, str], own_mongo: EmbeddedMongod, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Worker]]:
    """A pair whose session is so long that one that stands still is nobody's owner, and nobody takes over."""
    own = {
        **environment,
        "MONGO_URL": own_mongo.url,
        "READ_TIMEOUT_S": str(READ_TIMEOUT_S),
        "FORWARD_TIMEOUT_S": "3",
        "SESSION_TIMEOUT_S": "40",
    }
    yield from pair_of_workers(own, tmp_path_factory.mktemp("forwarding"))


@pytest.fixture
async def apis(workers: list[Worker], document: dict[str, Any]) -> AsyncIterator[list[Api]]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=45)) as session:
        made = [Api(f"http://127.0.0.1:{it.port}", session, Document(document)) for it in workers]
        await shared_out(made)
        yield made


async def timed(api: Api, method: str, path: str, **request: Any) -> tuple[int, float, Any]:
    """Status, seconds, and headers."""
    began_s = time.monotonic()
    reply = await api.call(method, path, **request)
    return reply.status, time.monotonic() - began_s, reply.headers


def connections(source: Worker, target: Worker) -> set[int]:
    """The ports of `source` from which it has connections to `target`."""
    open_now = psutil.Process(source.child.pid).net_connections(kind="tcp")
    return {it.laddr.port for it in open_now if it.raddr and it.raddr.port == target.port}


async def test_what_is_forwarded_goes_through_whole_over_few_connections(
    apis: list[Api], workers: list[Worker], own_mongo: EmbeddedMongod
) -> None:
    ids = await place_some(apis, 24)
    theirs = (await held_by(apis[1]))[0]
    path = f"/v1/orders/{theirs}"
    direct, through = [await api.call("GET", path, headers={"x-request-id": "r-1"}) for api in (apis[1], apis[0])]
    changing = {"Date", "RateLimit"}
    assert {n: v for n, v in through.headers.items() if n not in changing} == {
        n: v for n, v in direct.headers.items() if n not in changing
    }
    assert (through.status, through.body) == (200, direct.body)

    many = {f"x-{number}": "said" for number in range(94)}  # with those of the client's library nearly the most
    assert [(await api.call("GET", path, headers=many)).status for api in apis] == [200, 200]

    url = apis[0].url + path
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}) as session:
        async with session.head(url) as answer:
            assert (answer.status, answer.headers["Content-Length"]) == (200, direct.headers["Content-Length"])
        plain = json.dumps({"reason": "too late"}).encode()
        sent = {"Content-Type": "application/json", "Expect": "100-continue"}
        async with session.put(f"{url}/cancel", data=plain, headers=sent) as answer:
            assert (answer.status, (await answer.json())["status"]) == (409, 409)
        sent["Content-Encoding"] = "gzip"
        async with session.put(f"{url}/cancel", data=gzip.compress(plain), headers=sent) as answer:
            assert (answer.status, (await answer.json())["status"]) == (415, 415)
        async with session.delete(url) as answer:
            assert (answer.status, answer.headers["Allow"]) == (405, "GET,HEAD")

    pooled = connections(*workers)
    for number in range(REQUESTS):
        assert (await apis[0].call("GET", f"/v1/orders/{ids[number % len(ids)]}")).status == 200
    assert len(connections(*workers) - pooled) <= 1, "one at a time needs one connection"

    own_mongo.stop()
    for path in (f"/v1/orders/{theirs}", f"/v1/orders/{theirs}/events", f"/v1/payments/{theirs}"):
        assert (await apis[0].call("GET", path)).status == 200, "its owner needs no MongoDB"
        status, took_s, headers = await timed(apis[0], "GET", path, headers=forwarded())
        assert (status, int(headers["Retry-After"]) >= 1) == (503, True)
        assert took_s < LONGEST_READ_S + 2
    status, took_s, _ = await timed(apis[0], "GET", "/v1/orders")
    assert (status, took_s < LONGEST_READ_S + 2) == (503, True)


def write_behind(kafka: EmbeddedKafka, topic: str, order_id: str) -> int:
    """Put a message about an order into the log, past all workers; returns its offset."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    offsets: list[int] = []
    cancel = encode(CancelOrder(order_id))
    producer.produce(topic, cancel, order_id, on_delivery=lambda _, message: offsets.append(message.offset()))
    assert producer.flush(10) == 0
    return offsets[0]


async def test_an_owner_that_stands_still_delays_few_reads_and_no_connection_of_it_makes_a_500(
    apis: list[Api], workers: list[Worker], kafka: EmbeddedKafka
) -> None:
    await place_some(apis, 24)
    theirs = (await held_by(apis[1]))[0]
    path = f"/v1/orders/{theirs}"
    before = (await apis[0].call("GET", path)).body
    os.kill(workers[1].child.pid, signal.SIGSTOP)

    status, took_s, headers = await timed(apis[0], "GET", path)
    assert (status, headers["x-read-source"], took_s < LONGEST_READ_S) == (200, "projection", True)
    slow = 0
    for _ in range(30):  # one in a while asks whether it is back, the others don't wait
        status, took_s, headers = await timed(apis[0], "GET", path)
        assert (status, headers["x-read-source"], took_s < LONGEST_READ_S) == (200, "projection", True)
        slow += took_s > 1.0
    assert slow <= 3
    status, took_s, _ = await timed(apis[0], "PUT", f"{path}/cancel")
    assert (status, took_s < LONGEST_READ_S) == (503, True)
    assert (await apis[0].call("GET", path, headers={"x-position": "orders-0-x"})).status == 400

    # A request that is on its way when the owner dies, and loses its connection.
    await asyncio.sleep(1.1)  # then one may ask again
    lost = asyncio.create_task(apis[0].call("PUT", f"{path}/cancel"))
    await asyncio.sleep(0.5)
    workers[1].child.kill()
    assert (await lost).status == 503
    status, took_s, headers = await timed(apis[0], "GET", path)  # now the connection is refused
    assert (status, headers["x-read-source"], took_s < 1.5) == (200, "projection", True)
    assert (await apis[0].call("GET", path)).body == before
    assert (await apis[0].call("PUT", f"{path}/cancel")).status == 503

    # What nobody has decided yet is in no position to be read, wherever from; what is projected is.
    topic, partition, offset = headers["x-position"].split("-")
    late = write_behind(kafka, f"{workers[0].child.env['TOPIC_PREFIX']}orders", theirs)
    assert late > int(offset)
    status, took_s, told = await timed(apis[0], "GET", path, headers={"x-position": f"{topic}-{partition}-{late}"})
    assert (status, int(told["Retry-After"]) >= 1, took_s < LONGEST_READ_S) == (503, True, True)
    for at in (headers["x-position"], f"{topic}-{partition}-{int(offset) - 1}"):
        status, took_s, _ = await timed(apis[0], "GET", path, headers={"x-position": at})
        assert (status, took_s < 1.5) == (200, True)
    status, took_s, _ = await timed(apis[0], "GET", path, headers={"x-position": f"{topic}-{partition}-{late + 1}"})
    assert (status, took_s < 1.5) == (422, True)
