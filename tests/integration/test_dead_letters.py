"""Messages that workers can't take, on a real Kafka: parked, looked at, repaired, replayed in order, dropped."""

import asyncio
import json
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.workers import faust_command
from schemas.codec import encode
from schemas.commands import CancelOrder, PlaceOrder
from schemas.values import Mode

HERE = Path(__file__).parent
TOPICS = ("orders", "inventory", "payments", "shipping")
POISON: dict[str, Callable[[int], tuple[bytes | None, bytes | None]]] = {
    "no JSON": lambda n: (b"o%d" % n, b"\xff\xfe rubbish"),
    "another kind": lambda n: (b"o%d" % n, b'{"__faust": {"ns": "nobody.knows.v1"}}'),
    "no namespace": lambda n: (b"789", b'{"order_id": "o1"}'),
    "another's key": lambda n: (b"o%d" % n, encode(CancelOrder("somebody-else"))),
    "nothing": lambda n: (None, None),
}

Dlq = Callable[..., tuple[int, Any]]


@pytest.fixture
def dlq(kafka: EmbeddedKafka, app_id: str) -> Dlq:
    """Runs `dlq` with --json; gives the exit code, and what was printed, or the complaint."""
    environment = {**os.environ, "KAFKA_URL": kafka.url, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}."}

    def command(*words: str) -> tuple[int, Any]:
        ended = subprocess.run(
            faust_command("dlq", *words, "--json"),
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ended.stderr
        return ended.returncode, json.loads(ended.stdout) if ended.stdout else ended.stderr

    return command


@pytest.fixture
def produce(kafka: EmbeddedKafka, app_id: str) -> Callable[..., None]:
    """Sends records as another program would."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})

    def send(topic: str, *records: tuple[bytes | None, bytes | None]) -> None:
        for key, value in records:
            producer.produce(f"{app_id}.{topic}", value, key, headers=[("from", b"another program")])
        assert producer.flush(10) == 0

    return send


def wait_for(dlq: Dlq, count: int, *words: str) -> list[dict[str, Any]]:
    """The letters, once there are so many."""
    deadline = time.monotonic() + 60
    while True:
        code, letters = dlq("list", *words)
        assert code == 0, letters
        if len(letters) == count:
            return list(letters)
        assert time.monotonic() < deadline, f"{len(letters)} letters, not {count}"


async def test_poison_on_every_topic_is_parked_with_its_reason_while_orders_go_on(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, dlq: Dlq, produce: Callable[..., None]
) -> None:
    worker = worker_factory()
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 200)
        for n in range(200):
            if n % 50 == 0:
                for topic in TOPICS:
                    produce(topic, *(poison(n) for poison in POISON.values()))
            assert await shop.place(f"o{n}", {"789": 1}) == 201
        ended = await shop.all_at_rest(f"o{n}" for n in range(200))
        assert Counter(order["status"] for order in ended) == {"SHIPPED": 200}
        await shop.assert_sums_hold(ended)

    letters = wait_for(dlq, 20 * len(TOPICS))
    assert Counter(it["topic"] for it in letters) == dict.fromkeys((f"{app_id}.{topic}" for topic in TOPICS), 20)
    assert {it["kind"] for it in letters} == {"refused"}
    reasons = Counter(it["error"].split(" ")[0] for it in letters)
    assert sum(count for reason, count in reasons.items() if reason) == len(letters)
    assert len(wait_for(dlq, 16, "--error", "no value")) == 16
    assert {tuple(map(tuple, it["headers"])) for it in letters} == {(("from", "another program"),)}

    code, told = dlq("drop", "--topic", "orders", "--error", "no value", "--reason", "rubbish", "--yes", "--by", "ada")
    assert (code, len(told)) == (0, 4)
    assert len(wait_for(dlq, 76)) == 76


def placed(order_id: str, user_id: str, mode: Mode = Mode.AUTO) -> tuple[bytes, bytes]:
    return order_id.encode(), encode(PlaceOrder(order_id, user_id, (("789", 1),), "f", payment_mode=mode))


def cancelled(order_id: str, reason: str) -> tuple[bytes, bytes]:
    return order_id.encode(), encode(CancelOrder(order_id, reason=reason))


async def test_what_failed_is_repaired_and_replayed_and_what_waits_behind_it_follows_in_order(
    worker_factory: WorkerFactory,
    mongo: EmbeddedMongod,
    app_id: str,
    tmp_path: Path,
    dlq: Dlq,
    produce: Callable[..., None],
) -> None:
    worker = worker_factory("faulty_app", path=HERE, environment={"MENDED": str(tmp_path / "mended")})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        produce("orders", placed("o1", "unlucky", Mode.MANUAL), cancelled("o1", "first"), placed("o2", "ada"))
        head, behind = wait_for(dlq, 2)
        assert (head["kind"], head["attempts"], head["error"]) == ("failed", 3, "KeyError: 'luck'")
        assert (behind["kind"], behind["attempts"]) == ("waiting", 0)
        produce("orders", placed("o3", "ada"))
        await until_placed(shop, "o2", "o3")
        orders = await shop.all_at_rest(["o2", "o3"])
        assert [order["status"] for order in orders] == ["SHIPPED", "SHIPPED"]

        worker.kill()
        worker.restart()
        produce("orders", cancelled("o1", "second"))
        assert [it["kind"] for it in wait_for(dlq, 3)] == ["failed", "waiting", "waiting"]

        code, complaint = dlq("replay", behind["letter"], "--reason", "hurry", "--yes")
        assert (code, f"{behind['letter']} waits for {head['letter']}" in complaint) == (1, True)
        code, told = dlq("replay", "--key", "o1", "--reason", "try again", "--yes")
        assert code == 1
        assert [it["outcome"].split(":")[0] for it in told] == ["failed again", "left", "left"]

        repaired = tmp_path / "repaired.json"
        repaired.write_bytes(placed("o1", "lucky", Mode.MANUAL)[1])
        code, told = dlq(
            "replay", head["letter"], "--value", str(repaired), "--reason", "no such user", "--by", "ada", "--yes"
        )
        assert (code, told[0]["outcome"]) == (0, "went through")
        code, told = dlq("replay", "--key", "o1", "--reason", "goes on", "--yes")
        # The first cancel turns the order back; the second finds it turned back, and changes nothing. Behind them
        # wait the answers to what the order, once placed, had asked for.
        assert (code, {it["outcome"] for it in told}) == (0, {"went through"})
        assert told[0]["letter"] == behind["letter"]
        order = await shop.at_rest("o1")
        assert (order["status"], order["reason"]) == ("CANCELLED", "first")
        await shop.assert_sums_hold([order, *orders])

        assert dlq("list") == (0, [])
        (kept,) = dlq("show", head["letter"])[1]
        assert [(it["action"], it["by"], it["reason"]) for it in kept["handled"]][1:] == [
            ("replay", "ada", "no such user")
        ]
        assert kept["handled"][1]["sentInstead"]["json"]["user_id"] == "lucky"


async def until_placed(shop: Shop, *order_ids: str) -> None:
    """Wait until the owner has these orders, which others than our own client have sent."""
    async with asyncio.timeout(30):
        while [(await shop.call("GET", f"/v1/orders/{it}"))[0] for it in order_ids] != [200] * len(order_ids):
            await asyncio.sleep(0.05)


def test_what_is_dropped_frees_its_key_and_a_mended_worker_takes_the_rest(
    worker_factory: WorkerFactory, tmp_path: Path, dlq: Dlq, produce: Callable[..., None]
) -> None:
    mended = tmp_path / "mended"
    worker_factory("faulty_app", path=HERE, environment={"MENDED": str(mended)})
    produce("orders", placed("o1", "unlucky"), placed("o1", "ada"), cancelled("o1", "changed my mind"))
    first, second, third = (it["letter"] for it in wait_for(dlq, 3))
    assert dlq("drop", first, second, "--reason", "no order", "--yes")[0] == 0
    code, told = dlq("replay", third, "--reason", "see what it says", "--yes")
    assert (code, told[0]["outcome"].split(":")[0]) == (1, "refused again")

    produce("orders", placed("o1", "unlucky"))
    wait_for(dlq, 1, "--kind", "failed", "--key", "o1")
    mended.touch()
    code, told = dlq("replay", "--key", "o1", "--kind", "failed", "--reason", "mended", "--yes")
    assert (code, [it["outcome"] for it in told]) == (0, ["went through"])
