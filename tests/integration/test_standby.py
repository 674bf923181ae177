"""More workers than partitions: the last stands by, says that it is ready, and takes over when it must."""

import asyncio

from shop import Shop
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.mongod import EmbeddedMongod


async def test_a_worker_without_partitions_is_ready_and_takes_over(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    workers = [worker_factory(environment={"PARTITIONS": "1"}) for _ in range(2)]  # waits until each is ready
    async with Shop([it.url for it in workers], mongo.url, app_id) as shop:
        await shop.supply("789", 3)
        assert await shop.place("o1", {"789": 1}) == 201
        assert await shop.place("o2", {"789": 1}) == 201  # by the other worker's door
        (owner,) = [worker for worker in workers if await holds_partitions(shop, worker)]
        (standby,) = [worker for worker in workers if worker is not owner]
        owner.kill()
        shop.urls.remove(owner.url)
        assert await shop.place("o3", {"789": 1}) == 201
        ended = await shop.all_at_rest(["o1", "o2", "o3"])
        assert [order["status"] for order in ended] == ["SHIPPED"] * 3
        await asyncio.to_thread(standby.wait_ready)


async def holds_partitions(shop: Shop, worker: WorkerProcess) -> bool:
    async with shop._session.get(f"{worker.url}/tables") as answer:
        return any(table["partitions"] for table in (await answer.json())["tables"])
