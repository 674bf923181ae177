"""Who waits for a position or for a row."""

import asyncio

import pytest

from app.delivery.contract import Moved
from app.delivery.positions import Positions
from app.delivery.watchers import Watchers


async def test_a_position_that_is_reached_is_not_waited_for() -> None:
    await Positions().reached(0, wanted=5, applied=5)


async def test_waiters_wake_when_their_position_is_reached_and_not_before() -> None:
    positions = Positions()
    near, far = (asyncio.ensure_future(positions.reached(0, wanted, applied=0)) for wanted in (3, 9))
    await asyncio.sleep(0)
    positions.advance(0, 8)
    positions.advance(1, 100)
    await near
    assert not far.done()
    positions.advance(0, 9)
    await far


async def test_whoever_waits_for_a_partition_that_leaves_is_told() -> None:
    positions = Positions()
    waiting = asyncio.ensure_future(positions.reached(0, wanted=3, applied=0))
    await asyncio.sleep(0)
    positions.leave()
    with pytest.raises(Moved):
        await waiting
    with pytest.raises(Moved):
        await positions.reached(0, wanted=3, applied=None)


async def test_a_watcher_wakes_at_the_next_write_of_its_row() -> None:
    watchers = Watchers()
    watching = asyncio.ensure_future(watchers.next_write("a"))
    await asyncio.sleep(0)
    watchers.wake(["b"])
    await asyncio.sleep(0)
    assert not watching.done()
    watchers.wake(["b", "a"])
    await watching


async def test_a_watcher_of_a_row_that_leaves_is_told() -> None:
    watchers = Watchers()
    watching = asyncio.ensure_future(watchers.next_write("a"))
    await asyncio.sleep(0)
    watchers.leave()
    with pytest.raises(Moved):
        await watching


async def test_a_watcher_that_gave_up_leaves_nothing_behind() -> None:
    watchers = Watchers()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await watchers.next_write("a")
    assert watchers._watching == {}
