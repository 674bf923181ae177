"""What a client is told of an order whose messages are held up: at once, from any worker, and never a wrong word."""

import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from dead_letters import Dlq, Stranger, cancelled
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod

HERE = Path(__file__).parent
AT_ONCE_S = 4.0
Mend = Callable[[], None]
KEY = {"Idempotency-Key": "once"}


def order(order_id: str, user_id: str, **details: Any) -> dict[str, Any]:
    return {"orderId": order_id, "userId": user_id, "items": [{"productId": "789", "quantity": 1}], **details}


@pytest.fixture
def mended(tmp_path: Path) -> Path:
    return tmp_path / "mended"


@pytest.fixture
def mend(mended: Path) -> Mend:
    """Mends the decisions."""
    return mended.touch


@pytest.fixture
async def shop(worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, mended: Path) -> AsyncIterator[Shop]:
    """Two workers, asked in turn: each is the owner of what the other one must forward."""
    urls = [worker_factory("faulty_app", path=HERE, environment={"MENDED": str(mended)}).url for _ in range(2)]
    async with Shop(urls, mongo.url, app_id) as opened:
        await opened.supply("789", 10)
        yield opened


async def told_twice(shop: Shop, method: str, path: str, **request: Any) -> tuple[int, Any]:
    """The answer that each of the workers gives, quickly, and both the same."""
    answers = []
    for _ in shop.urls:
        began_s = time.monotonic()
        status, body = await shop.once(method, path, **request)
        assert time.monotonic() - began_s < AT_ONCE_S, f"{method} {path}"
        answers.append((status, body.get("detail") or body["status"]))
    assert answers[0] == answers[1]
    return answers[0]


async def test_an_order_that_can_not_be_decided_on_is_not_taken_and_not_lost(shop: Shop, dlq: Dlq, mend: Mend) -> None:
    unlucky = order("o1", "unlucky")
    status, problem = await shop.once("POST", "/v1/orders", json=unlucky, headers=KEY)
    assert (status, "kept for a person" in problem["detail"]) == (503, True)
    (letter,) = dlq.wait_for(1)
    assert letter["kind"] == "failed"

    status, detail = await told_twice(shop, "POST", "/v1/orders", json=unlucky)
    assert (status, "nothing was done" in detail) == (503, True)
    assert (await told_twice(shop, "POST", "/v1/orders", json=unlucky, headers=KEY))[0] == 503
    assert (await told_twice(shop, "GET", "/v1/orders/o1"))[0] == 503
    assert (await told_twice(shop, "PUT", "/v1/orders/o1/cancel"))[0] == 503
    assert (await told_twice(shop, "GET", "/v1/orders/o2"))[0] == 404
    assert len(dlq.wait_for(1)) == 1, "nobody who asks adds to the queue"

    mend()
    assert dlq("replay", "--key", "o1", "--reason", "mended", "--yes")[0] == 0
    assert (await shop.at_rest("o1"))["status"] == "SHIPPED"
    assert (await shop.call("POST", "/v1/orders", json=unlucky, headers=KEY))[0] == 200


async def test_an_order_that_is_held_up_is_shown_as_it_stands_and_not_touched(
    shop: Shop, dlq: Dlq, stranger: Stranger, mend: Mend
) -> None:
    manual = order("o1", "ada", payment={"mode": "manual"})
    assert (await shop.call("POST", "/v1/orders", json=manual, headers={"Prefer": "wait=20"}))[0] == 201
    stranger.send("orders", cancelled("o1", "unlucky"))
    dlq.wait_for(1)

    seen = await told_twice(shop, "GET", "/v1/orders/o1", headers={"Prefer": "wait=20"})
    assert seen == (200, "AWAITING_PAYMENT")
    assert await told_twice(shop, "POST", "/v1/orders", json=manual) == seen
    assert (await told_twice(shop, "PUT", "/v1/orders/o1/cancel"))[0] == 503, "it is no 409: nobody has said no"
    assert (await told_twice(shop, "POST", "/v1/payments", json={"orderId": "o1"}))[0] == 503
    assert len(dlq.wait_for(1)) == 1

    mend()
    assert dlq("replay", "--key", "o1", "--reason", "mended", "--yes")[0] == 0
    ended = await shop.at_rest("o1")
    assert (ended["status"], ended["reason"]) == ("CANCELLED", "unlucky")


async def test_stock_that_is_held_up_can_not_be_changed(shop: Shop, dlq: Dlq, mend: Mend) -> None:
    change = {"productId": "tea", "quantity": 5, "name": "unlucky"}
    assert (await shop.once("PUT", "/v1/inventory/update", json=change))[0] == 503
    dlq.wait_for(1, "--topic", "inventory")
    status, detail = await told_twice(shop, "PUT", "/v1/inventory/update", json={**change, "name": "Tea"})
    assert (status, "nothing was done" in detail) == (503, True)
    mend()
    assert dlq("replay", "--key", "tea", "--reason", "mended", "--yes")[0] == 0
    assert (await shop.call("PUT", "/v1/inventory/update", json={**change, "name": "Tea"}))[0] == 200
