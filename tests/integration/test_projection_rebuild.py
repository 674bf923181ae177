"""`projection rebuild` beside running workers: readers notice nothing, and it may be killed and repeated."""

import asyncio
import random
import signal
from itertools import count
from typing import Any

from commands import Commands
from shop import Shop
from worker_process import WorkerFactory

from app.adapters.mongo import Database, steady
from app.embedded.mongod import EmbeddedMongod

PRODUCTS = [f"p{number}" for number in range(5)]
REBUILDS = 2


class Readers:
    """Read what is shown, and hold that no order disappears or goes back."""

    def __init__(self, shop: Shop, database: Database) -> None:
        self.reads = 0
        self._shop = shop
        self._database = database
        self._seen: dict[str, int] = {}
        self._chance = random.Random(1)

    async def by_id(self) -> None:
        """One order after the other, straight from MongoDB, and again where it was swapped in the middle of a read."""
        find = steady(self._database["orders"].find_one)
        while True:
            floor = dict(self._chance.sample(sorted(self._seen.items()), min(20, len(self._seen))))
            for order_id, version in floor.items():
                found = await find({"_id": order_id})
                assert found is not None, f"{order_id} disappeared"
                self._saw(found["orderId"], found["version"], version)
            await asyncio.sleep(0.005)  # leaves the processor to the workers

    async def lists(self) -> None:
        """The newest orders and the catalogue, as a worker shows them."""
        while True:
            floor = dict(self._seen)
            status, page = await self._shop.once("GET", "/v1/orders?limit=100")
            assert (status, len(page["items"])) == (200, 100), page
            for order in page["items"]:
                self._saw(order["orderId"], order["version"], floor.get(order["orderId"], 0))
            await asyncio.sleep(0.005)
            status, page = await self._shop.once("GET", "/v1/inventory")
            assert (status, len(page["items"])) == (200, len(PRODUCTS)), page

    def _saw(self, order_id: str, version: int, floor: int) -> None:
        assert version >= floor, f"{order_id} went back from {floor} to {version}"
        self._seen[order_id] = max(version, self._seen.get(order_id, 0))
        self.reads += 1


async def placed(shop: Shop, first: int, orders: int) -> list[str]:
    """Place so many orders."""
    made = [f"o{number}" for number in range(first, first + orders)]
    await asyncio.gather(*(shop.place(it, {PRODUCTS[n % 5]: 1, PRODUCTS[(n + 2) % 5]: 2}) for n, it in enumerate(made)))
    return made


async def content(database: Database) -> dict[str, list[dict[str, Any]]]:
    """All that is shown."""
    return {name: await database[name].find().sort("_id", 1).to_list(None) for name in ("orders", "inventory")}


async def leftovers(database: Database) -> list[str]:
    """What a rebuild must not leave behind for long."""
    return [it for it in await database.list_collection_names() if "rebuild" in it]


async def test_rebuilds_under_load_are_noticed_by_no_reader(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, commands: Commands, database: Database
) -> None:
    workers = [worker_factory() for _ in range(2)]
    async with Shop([worker.url for worker in workers], mongo.url, app_id) as shop:
        await asyncio.gather(*(shop.supply(product, 100_000) for product in PRODUCTS))
        made = await placed(shop, 0, 120)
        await shop.all_at_rest(made)
        async with asyncio.timeout(20):
            while await database["orders"].count_documents({"status": "SHIPPED"}) < len(made):
                await asyncio.sleep(0.05)  # the lists are those of the projection
        over = asyncio.Event()

        async def load() -> None:
            for first in count(1_000, 20):
                if over.is_set():
                    return
                made.extend(await placed(shop, first, 20))
                await asyncio.sleep(0.2)  # the load must leave something of two processors to the rebuild

        readers = Readers(shop, database)
        loading = asyncio.create_task(load())
        reading = [asyncio.create_task(it) for it in (readers.by_id(), readers.lists())]
        for _ in range(REBUILDS):
            reads, orders = readers.reads, len(made)
            code, report, complaint = await commands.run("projection", "rebuild")
            assert code == 0, complaint
            assert {it["collection"] for it in report} == {"orders", "inventory"}
            assert not [task.result() for task in reading if task.done()]
            assert readers.reads > reads
            assert len(made) > orders, "there was no load"
        over.set()
        await loading
        await shop.all_at_rest(made)
        for task in reading:
            task.cancel()
        assert await commands.settled_audit() == []
        assert await database["orders"].count_documents({"status": "SHIPPED"}) == len(made)


async def test_a_wiped_mongodb_is_rebuilt_though_the_first_attempt_is_killed(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, commands: Commands, database: Database
) -> None:
    worker = worker_factory()
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await asyncio.gather(*(shop.supply(product, 100_000) for product in PRODUCTS))
        await shop.all_at_rest(await placed(shop, 0, 300))
        assert await commands.settled_audit() == []
        before = await content(database)
        for name in ("orders", "inventory", "payments", "shipments", "projection", "progress"):
            await database.drop_collection(name)

        killed = commands.start("projection", "rebuild")
        try:
            async with asyncio.timeout(30):
                while await database["projection"].find_one({"_id": "rebuild"}) is None:
                    await asyncio.sleep(0.001)
            killed.send_signal(signal.SIGSTOP)
            assert len((await content(database))["orders"]) == 0, "it was stopped when all was over"
            code, _, complaint = await commands.run("projection", "rebuild")
            assert code == 1
            assert "Another rebuild is under way" in complaint
        finally:
            killed.kill()
            killed.wait()
        async with asyncio.timeout(60):
            while (ended := await commands.run("projection", "rebuild"))[0] != 0:
                assert "Another rebuild is under way" in ended[2]

        assert await content(database) == before
        assert await database["payments"].count_documents({"status": "CAPTURED"}) == 300
        assert await leftovers(database) == []
        assert await commands.settled_audit() == []
