"""Garbage on every topic while a thousand orders run, put there by another Kafka client: none of it stops anybody."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from dead_letters import Dlq, Stranger, cancelled, placed
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod
from schemas.codec import encode
from schemas.commands import CancelOrder
from schemas.values import Mode

HERE = Path(__file__).parent
ORDERS = 1_000
TOPICS = ("orders", "inventory", "payments", "shipping", "answers")
FACTS = ("orders.events", "inventory.events")
POISON: dict[str, Callable[[int], tuple[bytes | None, bytes | None]]] = {
    "no JSON": lambda n: (b"o%d" % n, b"\xff\xfe rubbish"),
    "another kind": lambda n: (b"o%d" % n, b'{"__faust": {"ns": "nobody.knows.v1"}}'),
    "no namespace": lambda n: (b"789", b'{"order_id": "o1"}'),
    "another's key": lambda n: (b"o%d" % n, encode(CancelOrder("somebody-else"))),
    "nothing": lambda n: (None, None),
}
OF_EACH = 4


async def place_all(shop: Shop, stranger: Stranger) -> None:
    """The orders, and between them the poison, under the keys of orders that are just under way."""

    async def place(n: int) -> None:
        if n % (ORDERS // OF_EACH) == ORDERS // OF_EACH // 2:
            for topic in (*TOPICS, *FACTS):
                await asyncio.to_thread(stranger.send, topic, *(poison(n) for poison in POISON.values()))
        assert await shop.place(f"o{n}", {"789": 1}) == 201

    await asyncio.gather(*map(place, range(ORDERS)))


async def test_a_thousand_orders_come_to_rest_and_all_poison_is_parked_with_its_reason(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, tmp_path: Path, dlq: Dlq, stranger: Stranger
) -> None:
    worker = worker_factory("faulty_app", path=HERE, environment={"MENDED": str(tmp_path / "mended")})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", ORDERS + 1)
        stranger.send("orders", placed("bad", "unlucky", Mode.MANUAL), cancelled("bad", "first"))
        stranger.send("orders", cancelled("bad", "second"))
        await place_all(shop, stranger)
        ended = await shop.all_at_rest(f"o{n}" for n in range(ORDERS))
        assert Counter(order["status"] for order in ended) == {"SHIPPED": ORDERS}
        await shop.assert_sums_hold(ended)
        await all_shown(shop)

        letters = dlq.wait_for(OF_EACH * len(POISON) * len(TOPICS), "--kind", "refused")
        assert Counter(it["topic"] for it in letters) == dict.fromkeys((f"{app_id}.{it}" for it in TOPICS), 20)
        assert all(it["error"] for it in letters)
        theirs = tuple((name, (value or b"").decode()) for name, value in Stranger.HEADERS)
        assert {tuple(map(tuple, it["headers"])) for it in letters} == {theirs}
        reasons = Counter(it["error"] for it in letters if it["topic"] == f"{app_id}.orders")
        assert len(reasons) == len(POISON), reasons

        head, *behind = dlq.wait_for(3, "--key", "bad")
        assert [it["kind"] for it in (head, *behind)] == ["failed", "waiting", "waiting"]
        repaired = tmp_path / "repaired.json"
        repaired.write_bytes(placed("bad", "ada", Mode.MANUAL)[1])
        assert dlq("replay", head["letter"], "--value", str(repaired), "--reason", "no such user", "--yes")[0] == 0
        assert dlq("replay", "--key", "bad", "--reason", "goes on", "--yes")[0] == 0
        order = await shop.at_rest("bad")
        assert (order["status"], order["reason"]) == ("CANCELLED", "first")
        await shop.assert_sums_hold([*ended, order])


async def all_shown(shop: Shop) -> None:
    """Wait until MongoDB has every order shipped: what is no fact stops its projection as little."""
    deadline = time.monotonic() + 30
    while shop.database["orders"].count_documents({"status": "SHIPPED"}) < ORDERS:
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
