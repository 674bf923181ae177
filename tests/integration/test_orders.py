"""Orders from HTTP to MongoDB, on a real Kafka: what a shop would try first."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator

import pytest
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod


@pytest.fixture
async def shop(worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str) -> AsyncIterator[Shop]:
    worker = worker_factory()
    async with Shop([worker.url], mongo.url, app_id) as made:
        yield made


async def test_an_order_ships_and_arrives_in_mongodb(shop: Shop) -> None:
    await shop.supply("789", 10)
    assert await shop.place("123", {"789": 1}) == 201
    order = await shop.at_rest("123")

    assert (order["status"], order["total"], order["paymentStatus"]) == ("SHIPPED", 100, "CAPTURED")
    await shop.assert_sums_hold([order])
    async with asyncio.timeout(10):
        while (kept := shop.database["orders"].find_one({"_id": "123"})) is None or kept["status"] != "SHIPPED":
            await asyncio.sleep(0.05)
    assert kept["version"] == order["version"]
    assert shop.database["payments"].find_one({"_id": "123"})["status"] == "CAPTURED"
    assert shop.database["shipments"].find_one({"_id": "123"})["trackingNumber"] == order["trackingNumber"]


async def test_a_thousand_orders_leave_every_piece_and_cent_accounted_for(shop: Shop) -> None:
    chance = random.Random(7)
    products = [f"p{number}" for number in range(20)]
    await asyncio.gather(*(shop.supply(product, 150) for product in products))
    orders = {
        f"o{number}": {product: chance.randint(1, 3) for product in chance.sample(products, chance.randint(1, 5))}
        for number in range(1000)
    }
    statuses = await asyncio.gather(*(shop.place(order_id, lines) for order_id, lines in orders.items()))
    assert set(statuses) == {201}
    ended = await shop.all_at_rest(orders)

    ends = Counter((order["status"], order["reason"]) for order in ended)
    assert set(ends) == {("SHIPPED", None), ("REJECTED", "OUT_OF_STOCK")}
    await shop.assert_sums_hold(ended)


@pytest.mark.parametrize("workers", [1, 2])
async def test_150_orders_for_50_pieces_ship_exactly_50(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, workers: int
) -> None:
    urls = [worker_factory().url for _ in range(workers)]
    async with Shop(urls, mongo.url, app_id) as shop:
        await shop.supply("scarce", 50)
        order_ids = [f"o{number}" for number in range(150)]
        await asyncio.gather(*(shop.place(order_id, {"scarce": 1}) for order_id in order_ids))
        ended = await shop.all_at_rest(order_ids)

        assert Counter(order["status"] for order in ended) == {"SHIPPED": 50, "REJECTED": 100}
        assert {order["reason"] for order in ended if order["status"] == "REJECTED"} == {"OUT_OF_STOCK"}
        await shop.assert_sums_hold(ended)


async def test_an_order_short_of_one_line_holds_nothing_afterwards(shop: Shop) -> None:
    await shop.supply("plenty", 100)
    await shop.supply("scarce", 1)
    await shop.place("o1", {"plenty": 5, "scarce": 2})
    order = await shop.at_rest("o1")

    assert (order["status"], order["reason"]) == ("REJECTED", "OUT_OF_STOCK")
    assert (await shop.settled_stock("plenty"))["available"] == 100
    assert (await shop.settled_stock("scarce"))["available"] == 1


async def test_a_cancel_gives_stock_and_money_back(shop: Shop) -> None:
    await shop.supply("789", 10)
    await shop.place("o1", {"789": 4}, shipping={"mode": "manual"})
    async with asyncio.timeout(20):
        while (await shop.call("GET", "/v1/orders/o1"))[1]["status"] != "AWAITING_SHIPMENT":
            await asyncio.sleep(0.02)
    assert (await shop.stock("789"))["available"] == 6
    assert shop.money() == {"authorize": 400}

    status, _ = await shop.call("PUT", "/v1/orders/o1/cancel", json={"reason": "changed my mind"})
    assert status in (200, 202)
    order = await shop.at_rest("o1")
    assert (order["status"], order["reason"]) == ("CANCELLED", "changed my mind")
    assert (await shop.settled_stock("789"))["available"] == 10
    assert shop.money() == {"authorize": 400, "void": 400}
    assert (await shop.call("PUT", "/v1/orders/o1/cancel"))[0] == 200


@pytest.mark.parametrize(
    ("details", "reason", "money"),
    [
        ({"payment": {"method": "declined"}}, "PAYMENT_DECLINED", {}),
        ({"payment": {"method": "capture-declined"}}, "PAYMENT_DECLINED", {"authorize": 100, "void": 100}),
        ({"shipping": {"address": {"country": "XX"}}}, "SHIPPING_REFUSED", {"authorize": 100, "void": 100}),
    ],
)
async def test_what_cant_be_filled_is_undone(shop: Shop, details: dict, reason: str, money: dict[str, int]) -> None:
    await shop.supply("789", 10)
    await shop.place("o1", {"789": 1}, **details)
    order = await shop.at_rest("o1")

    assert (order["status"], order["reason"]) == ("REJECTED", reason)
    assert (await shop.settled_stock("789"))["available"] == 10
    assert shop.money() == money


@pytest.mark.parametrize("method", ["slow", "flaky", "timeout"])
async def test_a_troubled_gateway_is_asked_again_and_charges_once(shop: Shop, method: str) -> None:
    await shop.supply("789", 10)
    await shop.place("o1", {"789": 1}, payment={"method": method})

    assert (await shop.at_rest("o1"))["status"] == "SHIPPED"
    assert shop.money() == {"authorize": 100, "capture": 100}


async def test_slow_payments_hold_up_nobody_behind_them(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment={"GATEWAY_SLOW_S": "8"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 1000)
        slow = [f"slow{number}" for number in range(50)]
        quick = [f"quick{number}" for number in range(50)]
        await asyncio.gather(*(shop.place(order_id, {"789": 1}, payment={"method": "slow"}) for order_id in slow))
        await asyncio.gather(*(shop.place(order_id, {"789": 1}) for order_id in quick))
        went_past = await shop.all_at_rest(quick)
        waiting = [(await shop.call("GET", f"/v1/orders/{order_id}"))[1]["status"] for order_id in slow]
        ended = await shop.all_at_rest(slow)

        assert {order["status"] for order in went_past + ended} == {"SHIPPED"}
        assert "SHIPPED" not in waiting


async def test_the_same_order_twice_at_once_and_later_is_one_order(shop: Shop) -> None:
    await shop.supply("789", 10)
    at_once = await asyncio.gather(*(shop.place("o1", {"789": 2}) for _ in range(10)))
    assert sorted(at_once) == [200] * 9 + [201]
    order = await shop.at_rest("o1")
    assert await shop.place("o1", {"789": 2}) == 200
    assert await shop.place("o1", {"789": 3}) == 409

    assert (await shop.settled_stock("789"))["onHand"] == 8
    await shop.assert_sums_hold([order])
