"""The clock and real orders: what nobody pays or ships expires, what does not answer is asked again."""

import asyncio

import pytest
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod


@pytest.mark.parametrize(
    ("manual", "money"), [("payment", {}), ("shipping", {"authorize": 100, "void": 100})], ids=["payment", "shipping"]
)
async def test_what_nobody_takes_up_expires_and_everything_comes_back(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, manual: str, money: dict[str, int]
) -> None:
    worker = worker_factory(environment={"PAYMENT_WAIT_S": "1", "SHIPMENT_WAIT_S": "1"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        await shop.place("o1", {"789": 1}, **{manual: {"mode": "manual"}})
        order = await shop.at_rest("o1")

        assert (order["status"], order["reason"]) == ("REJECTED", "EXPIRED")
        assert (await shop.settled_stock("789"))["available"] == 10
        assert shop.money() == money


async def test_a_payment_that_succeeds_after_its_order_expired_is_given_back(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment={"ANSWER_WAIT_S": "1", "GATEWAY_SLOW_S": "4"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        await shop.place("o1", {"789": 1}, payment={"method": "slow"})
        order = await shop.at_rest("o1")

        assert (order["status"], order["reason"]) == ("REJECTED", "EXPIRED")
        assert shop.money() == {"authorize": 100, "void": 100}


async def test_after_a_restart_another_worker_keeps_the_deadlines(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    quick = {"PAYMENT_WAIT_S": "6", "REMIND_FIRST_S": "1", "SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "1"}
    first = worker_factory(environment=quick)
    async with Shop([first.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        await asyncio.gather(
            *(shop.place(f"o{number}", {"789": 1}, payment={"mode": "manual"}) for number in range(10))
        )
        first.kill()
        shop.urls = [worker_factory(environment=quick).url]
        ended = await shop.all_at_rest(f"o{number}" for number in range(10))

        assert {order["reason"] for order in ended} == {"EXPIRED"}
        assert {order["version"] for order in ended} == {4}  # each once: placed, waiting, undone, rejected
        assert (await shop.settled_stock("789"))["available"] == 10


async def test_an_order_turns_back_when_the_gateway_gives_no_answer_and_what_it_did_after_all_is_undone(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    """`flaky` loses the first two calls, of which the order is told; the third authorises, and must be voided."""
    worker = worker_factory(environment={"CALL_ATTEMPTS": "2"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        await shop.place("o1", {"789": 1}, payment={"method": "flaky"})
        order = await shop.at_rest("o1")

        assert (order["status"], order["reason"], order["paymentStatus"]) == ("REJECTED", "EXPIRED", "VOIDED")
        assert shop.money() == {"authorize": 100, "void": 100}
        assert (await shop.settled_stock("789"))["available"] == 10
