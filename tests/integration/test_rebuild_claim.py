"""Who may rebuild: one at a time, for as long as it lives, and whoever lost the claim changes nothing."""

from __future__ import annotations

import pytest
from rebuild_world import World, leftovers

from app.adapters.mongo import Database
from app.adapters.rebuild_claim import ClaimLost, RebuildClaim, RebuildUnderWay


async def end_claim(database: Database) -> None:
    """As if the time that the claim counts had gone by."""
    await database["projection"].update_one({"_id": "rebuild"}, [{"$set": {"until": "$$NOW"}}])


async def test_two_at_once_are_one_and_the_other_is_told_whose_it_is(database: Database) -> None:
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


async def test_what_a_killed_rebuild_left_is_dropped_by_the_next(database: Database) -> None:
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


async def test_a_claim_that_was_not_renewed_in_time_is_lost_even_if_nobody_else_came(database: Database) -> None:
    claim = RebuildClaim(database, "a test")
    await claim.take()
    await claim.renew()
    await end_claim(database)
    with pytest.raises(ClaimLost):
        await claim.renew()


async def test_whoever_has_lost_the_claim_swaps_nothing(database: Database) -> None:
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
