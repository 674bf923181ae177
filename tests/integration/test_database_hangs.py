"""MongoDB stands still instead of refusing: nobody who places an order waits for it."""

import asyncio
import os
import signal

from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod

ORDERS = 30
FAR_LESS_THAN_A_WAIT_EACH_S = 20.0


async def test_orders_are_taken_while_mongodb_stands_still(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory()
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 100)
        os.kill(mongo.pid, signal.SIGSTOP)
        try:
            async with asyncio.timeout(FAR_LESS_THAN_A_WAIT_EACH_S):
                taken = [await shop.place(f"o{number}", {"789": 1}) for number in range(ORDERS)]
                known = [(await shop.call("GET", f"/v1/orders/o{number}"))[0] for number in range(ORDERS)]
        finally:
            os.kill(mongo.pid, signal.SIGCONT)
        assert set(taken) == {201}
        assert set(known) == {200}
        for number in range(ORDERS):
            assert (await shop.at_rest(f"o{number}"))["status"] == "SHIPPED"
