"""A rebuild step by step on a real MongoDB: what readers and live writers see at each of its moments."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient
from rebuild_world import NAMES, Heard, World, leftovers

from app import topics
from app.adapters.mongo import Database
from app.adapters.projection_writes import ProjectionWrites
from app.adapters.read_model import ORDERS, STOCK, ReadModel
from app.adapters.rebuild_claim import RebuildClaim
from app.embedded.mongod import EmbeddedMongod
from app.projection.documents import PARTS, documents
from app.projection.rebuild import FewerDocuments


async def test_what_was_lost_or_spoilt_in_mongodb_is_as_the_log_tells_it(database: Database) -> None:
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


async def test_a_list_that_is_being_read_when_the_swap_comes_is_read_again(
    database: Database, mongo: EmbeddedMongod
) -> None:
    many = [{"_id": f"o{number}", "createdAt": number} for number in range(300)]  # more than MongoDB gives at once
    for name in ("orders", "orders.rebuild-x"):
        await database[name].insert_many(many)

    swapped = False

    def swap(command: str, _collection: str) -> None:
        nonlocal swapped
        if command == "getMore" and not swapped:
            swapped = True
            with MongoClient[dict[str, Any]](mongo.url) as client:
                client[database.name]["orders.rebuild-x"].rename("orders", dropTarget=True)

    reading: Any = AsyncIOMotorClient(mongo.url, event_listeners=[Heard(swap)])
    found = await ReadModel(reading[database.name]).orders({}, None, 300)
    reading.close()
    assert swapped
    assert [it["_id"] for it in found] == [it["_id"] for it in reversed(many)]


async def test_what_happens_at_any_moment_of_a_rebuild_is_in_and_no_version_goes_back(
    database: Database,
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


async def test_a_live_writer_asks_for_a_rebuild_and_writes_to_what_that_builds_first(
    database: Database, mongo: EmbeddedMongod
) -> None:
    world = World(database)
    world.order()
    claim = RebuildClaim(database, "a test")
    await claim.take()
    sent: list[tuple[str, str]] = []
    writing: Any = AsyncIOMotorClient(mongo.url, event_listeners=[Heard(lambda *it: sent.append(it))])
    facts = list(documents(PARTS[0], world.shop.records[topics.ORDER_EVENTS]))
    await ProjectionWrites(writing[database.name]).save(ORDERS, facts)
    writing.close()
    assert [it for it in sent if it[0] in ("find", "update")] == [
        ("find", "projection"),
        ("update", f"orders.rebuild-{claim.holder}"),
        ("update", "orders"),
    ]


async def test_a_slice_that_began_before_the_rebuild_and_is_written_after_it_takes_nothing_away(
    database: Database,
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


async def test_facts_that_a_writer_put_into_the_old_one_only_are_in_the_new_one(database: Database) -> None:
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


async def test_a_rebuild_that_is_broken_off_leaves_what_is_shown_as_it_is(database: Database) -> None:
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


async def test_a_log_that_tells_of_less_than_is_shown_changes_nothing_unless_it_is_wanted(
    database: Database,
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
