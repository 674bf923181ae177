"""A rebuild step by step on a real MongoDB: what readers and live writers see at each of its moments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import bson
import pytest
from bson.codec_options import CodecOptions
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient, monitoring

from app import topics
from app.adapters import mongo
from app.adapters.kafka_log import LogRecord, Span, Spans
from app.adapters.projection_writes import ProjectionWrites
from app.adapters.read_model import ORDERS, STOCK, ReadModel
from app.adapters.rebuild_claim import ClaimLost, RebuildClaim, RebuildUnderWay
from app.adapters.rebuilding import Rebuilding
from app.embedded.mongod import EmbeddedMongod
from app.projection.documents import PARTS, Part, documents
from app.projection.rebuild import FewerDocuments, Rebuild
from tests.unit.audit.history import History

NAMES = [part.collection for part in PARTS]


@pytest.fixture
async def database(mongo_: EmbeddedMongod, app_id: str) -> AsyncIterator[mongo.Database]:
    """A database of this test's own."""
    made = mongo.database(mongo_.url, app_id)
    yield made
    await made.client.drop_database(app_id)
    made.client.close()


@pytest.fixture
def mongo_(mongo: EmbeddedMongod) -> EmbeddedMongod:
    """The session's MongoDB, under a name that does not hide the module."""
    return mongo


class World:
    """A shop with its log, a live worker that projects it, a reader, and a rebuild that can be held up anywhere."""

    def __init__(self, database: mongo.Database) -> None:
        self.database = database
        self.shop = History()
        self.shop.supply("tea", 1_000)
        self.projected: dict[str, int] = dict.fromkeys((part.topic for part in PARTS), 0)
        self.seen: dict[str, int] = {}
        self.orders = 0
        self.moments: list[str] = []
        self.at: Callable[[str], Awaitable[None]] = self.nothing

    async def nothing(self, moment: str) -> None:
        """Let the rebuild go on."""

    def order(self) -> None:
        """One more order, carried to its end: four facts of it, and some of its product."""
        self.orders += 1
        self.shop.place(f"o{self.orders}", tea=1)

    async def project(self) -> None:
        """Write what was told since, one fact after the other, as a live worker does."""
        for part in PARTS:
            log = self.shop.records[part.topic]
            while self.projected[part.topic] < len(log):
                await self.write(part, [log[self.projected[part.topic]]])
                self.projected[part.topic] += 1

    async def write(self, part: Part, facts: list[LogRecord]) -> None:
        """Write these facts as a live worker does."""
        await ProjectionWrites(self.database).save(part.collection, documents(part, facts))

    async def look(self) -> None:
        """Every order that was ever seen is still there, and none went back."""
        shown = {it["_id"]: it["version"] async for it in self.database[ORDERS].find()}
        assert {it: shown.get(it, 0) >= version for it, version in self.seen.items()} == dict.fromkeys(self.seen, True)
        self.seen = shown

    async def content(self) -> dict[str, list[dict[str, Any]]]:
        """All that is shown."""
        return {name: await self.database[name].find().sort("_id", 1).to_list(None) for name in NAMES}

    def told(self) -> dict[str, list[dict[str, Any]]]:
        """All that the log tells."""
        told = {part.collection: documents(part, self.shop.records[part.topic]) for part in PARTS}
        return {name: sorted(map(as_stored, made), key=lambda it: it["_id"]) for name, made in told.items()}

    def rebuild(self) -> Rebuild:
        """A rebuild of all this."""
        return Rebuild(_Log(self), _Watched(self), lambda _title, _total: lambda _count: None)


def as_stored(document: dict[str, Any]) -> dict[str, Any]:
    """The document as MongoDB gives it back."""
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True))


class _Log:
    def __init__(self, world: World) -> None:
        self._world = world

    def spans(self, topic: str) -> Spans:
        return {0: Span(0, len(self._world.shop.records[topic]))}

    def committed(self, asked: Any) -> Any:
        raise AssertionError("nobody asks")

    async def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
        for record in self._world.shop.records[topic][spans[0].low : spans[0].end]:
            await self._world.at(f"read {topic}")
            yield [record]


class _Watched(Rebuilding):
    """Tells the world of each of its steps before it is made, and after the swap."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, NAMES, "a test")
        self._world = world

    async def save(self, name: str, documents: Any) -> None:
        await self._world.at(f"save {name}")
        await super().save(name, documents)

    async def prepare(self, name: str) -> None:
        await self._world.at(f"prepare {name}")
        await super().prepare(name)

    async def swap(self, name: str) -> None:
        await self._world.at(f"swap {name}")
        await super().swap(name)
        await self._world.at(f"swapped {name}")


async def test_what_was_lost_or_spoilt_in_mongodb_is_as_the_log_tells_it(database: mongo.Database) -> None:
    world = World(database)
    for _ in range(5):
        world.order()
    await ReadModel(database).prepare()
    await world.project()
    whole, indexes = await world.content(), await database[ORDERS].index_information()
    assert whole == world.told()
    await database[ORDERS].update_one({"_id": "o1"}, {"$set": {"status": "PENDING", "version": 99}})
    await database[ORDERS].delete_one({"_id": "o2"})
    await database[STOCK].drop()

    orders, stock = await world.rebuild().run(keep=True)
    assert await world.content() == whole
    assert (orders.before, orders.after, orders.kept) == (4, 5, "orders.before")
    assert (stock.before, stock.after) == (0, 1)
    assert orders.facts == len(world.shop.records[topics.ORDER_EVENTS])
    assert {it["_id"] async for it in database["orders.before"].find()} == {"o1", "o3", "o4", "o5"}
    assert {it["_id"] async for it in database["payments"].find()} == {f"o{it}" for it in range(1, 6)}
    assert await database[ORDERS].index_information() == indexes
    assert await leftovers(database) == []


async def end_claim(database: mongo.Database) -> None:
    """As if the time that the claim counts had gone by."""
    await database["projection"].update_one({"_id": "rebuild"}, [{"$set": {"until": "$$NOW"}}])


async def leftovers(database: mongo.Database) -> list[str]:
    """What a rebuild must not leave behind."""
    names = [it for it in await database.list_collection_names() if "rebuild" in it]
    return names + [it["_id"] async for it in database["projection"].find()]


async def test_a_list_that_is_being_read_when_the_swap_comes_is_read_again(
    database: mongo.Database, mongo_: EmbeddedMongod
) -> None:
    many = [{"_id": f"o{number}", "createdAt": number} for number in range(300)]  # more than MongoDB gives at once
    for name in ("orders", "orders.rebuild-x"):
        await database[name].insert_many(many)

    class Swap(monitoring.CommandListener):
        swapped = False

        def started(self, event: monitoring.CommandStartedEvent) -> None:
            if event.command_name == "getMore" and not self.swapped:
                self.swapped = True
                with MongoClient[dict[str, Any]](mongo_.url) as client:
                    client[database.name]["orders.rebuild-x"].rename("orders", dropTarget=True)

        def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
            pass

        def failed(self, event: monitoring.CommandFailedEvent) -> None:
            pass

    swap = Swap()
    reading: Any = AsyncIOMotorClient(mongo_.url, event_listeners=[swap])
    found = await ReadModel(reading[database.name]).orders({}, None, 300)
    reading.close()
    assert swap.swapped
    assert [it["_id"] for it in found] == [it["_id"] for it in reversed(many)]


async def test_what_happens_at_any_moment_of_a_rebuild_is_in_and_no_version_goes_back(
    database: mongo.Database,
) -> None:
    world = World(database)
    for _ in range(3):
        world.order()
    await world.project()
    await world.look()

    async def happen(moment: str) -> None:
        world.moments.append(moment)
        if world.orders < 40:
            world.order()
        await world.look()
        await world.project()
        await world.look()

    world.at = happen
    await world.rebuild().run()
    world.at = world.nothing
    assert {f"{step} {name}" for step in ("prepare", "swap", "swapped") for name in NAMES} < set(world.moments)
    await world.project()
    await world.look()
    assert await world.content() == world.told()
    assert await leftovers(database) == []


async def test_a_slice_that_began_before_the_rebuild_and_is_written_after_it_takes_nothing_away(
    database: mongo.Database,
) -> None:
    world = World(database)
    world.order()
    await world.project()
    late = {part: world.shop.records[part.topic][:1] for part in PARTS}
    await world.rebuild().run()
    world.order()
    await world.project()
    for part, facts in late.items():
        await world.write(part, facts)
    assert await world.content() == world.told()


async def test_facts_that_a_writer_put_into_the_old_one_only_are_in_the_new_one(database: mongo.Database) -> None:
    world = World(database)
    world.order()
    await world.project()

    async def happen(moment: str) -> None:
        if moment == "swap orders":
            await database["projection"].update_one({"_id": "rebuild"}, {"$rename": {"holder": "hidden"}})
            await database["projection"].update_one({"_id": "rebuild"}, {"$set": {"holder": "nobody"}})
            world.order()
            await world.project()  # this writer has another idea of what is built
            await database["projection"].update_one({"_id": "rebuild"}, {"$rename": {"hidden": "holder"}})

    world.at = happen
    await world.rebuild().run()
    assert await world.content() == world.told()


async def test_a_rebuild_that_is_broken_off_leaves_what_is_shown_as_it_is(database: mongo.Database) -> None:
    world = World(database)
    for _ in range(3):
        world.order()
    await world.project()
    before = await world.content()
    for stop in ("read orders.events", "prepare orders", "swap orders"):
        reached = asyncio.Event()

        async def hold(moment: str, stop: str = stop, reached: asyncio.Event = reached) -> None:
            if moment == stop:
                reached.set()
                await asyncio.Event().wait()

        world.at = hold
        running = asyncio.create_task(world.rebuild().run())
        await asyncio.wait_for(reached.wait(), 10)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert await world.content() == before
        assert await leftovers(database) == []
    world.at = world.nothing
    await world.rebuild().run()
    assert await world.content() == before


async def test_two_at_once_are_one_and_the_other_is_told_whose_it_is(database: mongo.Database) -> None:
    world = World(database)
    world.order()
    refused: list[str] = []

    async def happen(moment: str) -> None:
        if moment in ("read orders.events", "swap orders"):
            with pytest.raises(RebuildUnderWay, match=r"a test rebuilds since .* its claim ends in") as told:
                await world.rebuild().run()
            refused.append(str(told.value))

    world.at = happen
    await world.rebuild().run()
    assert len(refused) > 1
    assert await world.content() == world.told()


async def test_what_a_killed_rebuild_left_is_dropped_by_the_next(database: mongo.Database) -> None:
    world = World(database)
    world.order()
    dead = RebuildClaim(database, "a test")
    await dead.take()
    await world.project()
    assert f"orders.rebuild-{dead.holder}" in await database.list_collection_names()
    with pytest.raises(RebuildUnderWay):
        await world.rebuild().run()
    await end_claim(database)
    world.order()
    await world.project()
    assert await database[f"orders.rebuild-{dead.holder}"].count_documents({}) == 1, "nobody writes for the dead"
    await world.rebuild().run()
    assert await world.content() == world.told()
    assert await leftovers(database) == []


async def test_a_claim_that_was_not_renewed_in_time_is_lost_even_if_nobody_else_came(database: mongo.Database) -> None:
    claim = RebuildClaim(database, "a test")
    await claim.take()
    await claim.renew()
    await end_claim(database)
    with pytest.raises(ClaimLost):
        await claim.renew()


async def test_whoever_has_lost_the_claim_swaps_nothing(database: mongo.Database) -> None:
    world = World(database)
    world.order()
    await world.project()
    before = await world.content()
    world.order()

    async def happen(moment: str) -> None:
        if moment == "swap orders":
            await database["projection"].delete_one({"_id": "rebuild"})

    world.at = happen
    with pytest.raises(ClaimLost):
        await world.rebuild().run()
    assert await world.content() == before


async def test_a_log_that_tells_of_less_than_is_shown_changes_nothing_unless_it_is_wanted(
    database: mongo.Database,
) -> None:
    world = World(database)
    for _ in range(3):
        world.order()
    await world.project()
    before = await world.content()
    del world.shop.records[topics.ORDER_EVENTS][4:]
    with pytest.raises(FewerDocuments, match="MongoDB shows 3 orders, the log tells of 1"):
        await world.rebuild().run()
    assert await world.content() == before
    assert await leftovers(database) == []
    await world.rebuild().run(fewer=True)
    assert [it["_id"] for it in (await world.content())[ORDERS]] == ["o1"]
