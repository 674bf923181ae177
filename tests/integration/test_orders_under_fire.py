"""Orders while workers are killed, the broker goes away, and other programs write rubbish: the sums still hold."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from schemas.codec import Decoder, encode
from schemas.commands import CancelOrder, ReserveStock
from schemas.dead_letters import DeadLetter

ORDERS = 500
QUICK_SESSION = {"SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "1"}


async def _supply_and_place(shop: Shop, count: int) -> list[str]:
    products = [f"p{number}" for number in range(10)]
    await asyncio.gather(*(shop.supply(product, count) for product in products))
    order_ids = [f"o{number}" for number in range(count)]
    placed = await asyncio.gather(
        *(
            shop.place(order_id, {products[number % 10]: 1, products[(number + 3) % 10]: 2})
            for number, order_id in enumerate(order_ids)
        )
    )
    assert set(placed) <= {200, 201}
    return order_ids


async def _assert_all_shipped(shop: Shop, order_ids: list[str]) -> None:
    ended = await shop.all_at_rest(order_ids, timeout_s=120)
    assert Counter(order["status"] for order in ended) == {"SHIPPED": len(order_ids)}
    await shop.assert_sums_hold(ended)


async def test_a_worker_killed_in_the_middle_loses_and_doubles_nothing(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment=QUICK_SESSION | {"GATEWAY_DELAY_S": "0.2"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        placing = asyncio.create_task(_supply_and_place(shop, ORDERS))
        ledger = shop.database["gateway_ledger"]
        async with asyncio.timeout(60):
            while ledger.count_documents({}) < ORDERS // 10:
                await asyncio.sleep(0.02)
        worker.kill()
        assert ledger.count_documents({"operation": "capture"}) < ORDERS, "it was killed when all was over"
        worker.start()
        await asyncio.to_thread(worker.wait_ready)
        await _assert_all_shipped(shop, await placing)


async def test_one_of_two_workers_killed_again_and_again(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    workers = [worker_factory(environment=QUICK_SESSION) for _ in range(2)]
    async with Shop([worker.url for worker in workers], mongo.url, app_id) as shop:
        placing = asyncio.create_task(_supply_and_place(shop, ORDERS))
        for victim in (workers[0], workers[1], workers[0]):
            await asyncio.sleep(1.0)  # the load goes on in between
            victim.kill()
            victim.start()
            await asyncio.to_thread(victim.wait_ready)
        await _assert_all_shipped(shop, await placing)


@pytest.fixture
def own_kafka(kafka_software: KafkaSoftware, tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker that this test may stop."""
    with EmbeddedKafka(tmp_path / "kafka", kafka_software) as broker:
        yield broker


async def test_a_broker_away_for_ten_seconds_loses_and_doubles_nothing(
    worker_factory: WorkerFactory, own_kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment={"KAFKA_URL": own_kafka.url})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        placing = asyncio.create_task(_supply_and_place(shop, ORDERS))
        async with asyncio.timeout(60):
            while shop.database["gateway_ledger"].count_documents({}) < ORDERS // 10:
                await asyncio.sleep(0.02)
        await asyncio.to_thread(own_kafka.stop)
        refused, body = await shop.once(
            "POST", "/v1/orders", json={"userId": "u-1", "items": [{"productId": "p0", "quantity": 1}]}
        )
        assert (refused, body["status"]) == (503, 503)
        await asyncio.sleep(10.0)  # as long as the outage is to be
        own_kafka.start()
        await _assert_all_shipped(shop, await placing)
        assert worker.alive


GARBAGE = {
    "no JSON": b"\xff\xfe rubbish",
    "another kind": b'{"__faust": {"ns": "nobody.knows.v1"}}',
    "no namespace": b'{"order_id": "o1"}',
    "out of bounds": encode(ReserveStock("o1", "789", quantity=0)),
    "another key": encode(CancelOrder("somebody-else")),
    "nearly as large as may be": b'"' + b"x" * 990_000 + b'"',
}


async def test_garbage_is_parked_with_its_reason_and_what_is_behind_it_goes_on(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory()
    topics = [f"{app_id}.{name}" for name in ("orders", "inventory", "payments", "shipping")]
    vandal = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    for topic in topics:
        for value in GARBAGE.values():
            for key in (b"o1", b"789", b"\xff"):
                vandal.produce(topic, value, key, headers=[("from", b"a vandal")])
        vandal.produce(topic, None, None)
    assert vandal.flush(10) == 0

    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        assert await shop.place("o1", {"789": 1}) == 201
        order = await shop.at_rest("o1")
        assert order["status"] == "SHIPPED"
        await shop.assert_sums_hold([order])

    letters = _dead_letters(kafka, f"{app_id}.dead-letters", len(topics) * (3 * len(GARBAGE) + 1))
    assert Counter(letter.topic for letter in letters) == dict.fromkeys(topics, 3 * len(GARBAGE) + 1)
    assert all(letter.error for letter in letters)
    assert ("from", "YSB2YW5kYWw=") in letters[0].headers or not letters[0].headers


def _dead_letters(kafka: EmbeddedKafka, topic: str, expected: int) -> list[DeadLetter]:
    """All dead letters there are, which must be as many as expected: one more poll finds no other."""
    reader = Consumer(
        {"bootstrap.servers": kafka.bootstrap, "group.id": f"{topic}-reader", "auto.offset.reset": "earliest"}
    )
    reader.subscribe([topic])
    read = Decoder((DeadLetter,))
    letters: list[DeadLetter] = []
    for _ in range(30):
        messages = reader.consume(1000, 1.0)
        letters += [read(message.value()) for message in messages if message.error() is None]
        if not messages and len(letters) >= expected:
            break
    reader.close()
    return letters
