"""A follower keeps trying while the partitions are ours, and lets go when they leave."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP
from records import fetched

from app.delivery.contract import ConsumerRecord
from app.delivery.follower import GATHER_MOST_S, Follower
from app.delivery.inbox import Batch, Inbox
from app.delivery.lane import Lane, Piece


class World:
    """A follower of one partition, and a database that is away for as long as `failures` lasts."""

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.hangs = False
        self.applied: list[int] = []
        self.lane = Lane("facts", Inbox(100, 30))
        self.lane.begin(1, {0: 0})
        app: Any = SimpleNamespace(
            lane=lambda topic, inbox_limit: self.lane,
            followers={},
            drain=SimpleNamespace(take=self.take),
            stops_on_failure=lambda what: nullcontext(),
            should_stop=True,
            tracing=None,
        )
        self.follower = Follower(app, "facts", self.apply, retry_on=(ConnectionError,), gather_s=0)
        stream: Any = SimpleNamespace(maybe_start=self.apply_nothing)
        self.running = asyncio.ensure_future(self.follower.run(stream))
        self.lane.inbox.put(Batch(TP("facts", 0), 1, fetched(0, 4)))

    async def apply_nothing(self) -> None:
        pass

    async def take(self, lane: Lane, limit: int) -> list[Piece]:
        return lane.start(await lane.inbox.take(limit))

    async def apply(self, records: Sequence[ConsumerRecord]) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.applied += [record.offset for record in records]


async def until(condition: Any) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.005)


async def test_what_failed_is_applied_again_and_then_acknowledged() -> None:
    world = World(failures=1)
    await until(lambda: world.lane.ranges.released(0) == 5)
    assert world.applied == [0, 1, 2, 3, 4]
    world.running.cancel()


async def test_the_longer_a_slice_takes_the_longer_it_gathers_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(failures=0)
    waited_s: list[float] = []

    async def gather(enough: int, longest_s: float) -> None:
        waited_s.append(longest_s)
        await Inbox.gather(world.lane.inbox, enough, 0)

    async def apply(records: Sequence[ConsumerRecord]) -> None:
        await asyncio.sleep(0.05 if records[0].offset else 0)

    monkeypatch.setattr(world.lane.inbox, "gather", gather)
    monkeypatch.setattr(world.follower, "_apply", apply)
    await until(lambda: len(waited_s) == 2)
    world.lane.inbox.put(Batch(TP("facts", 0), 1, fetched(5, 9)))
    await until(lambda: len(waited_s) == 3)
    quick_s, slow_s = waited_s[1:]
    assert quick_s < 0.2 <= slow_s <= GATHER_MOST_S
    world.running.cancel()


async def test_how_far_it_is_behind_counts_what_is_in_hand_and_what_waits() -> None:
    world = World(failures=10**6)
    await until(lambda: world.failures < 10**6)
    old, new = time.time() - 60, time.time() - 5
    world.lane.inbox.put(Batch(TP("facts", 0), 1, [replace(it, timestamp=int(new * 1000)) for it in fetched(5, 6)]))
    records, age_s = world.follower.behind()
    assert records == 7
    assert age_s > time.time() - 1, "those in hand are of 1970"

    world.failures = 0
    await until(lambda: world.lane.ranges.released(0) == 7)
    assert world.follower.behind() == (0, 0.0)
    world.failures = 10**6
    world.lane.inbox.put(Batch(TP("facts", 0), 1, [replace(it, timestamp=int(old * 1000)) for it in fetched(7, 7)]))
    await until(lambda: world.follower.behind().records == 1)
    assert 60 <= world.follower.behind().age_s < 70
    world.running.cancel()


async def test_a_slice_that_can_not_be_applied_holds_up_no_rebalance() -> None:
    world = World(failures=10**6)
    await until(lambda: world.failures < 10**6)
    assert world.lane.ranges.unsafe() == 1
    world.lane.quiet()
    await until(lambda: world.lane.ranges.unsafe() == 0)
    assert world.lane.ranges.released(0) == 0, "the next owner applies it"
    world.running.cancel()


async def test_a_database_that_hangs_holds_up_no_rebalance() -> None:
    world = World(failures=0)
    world.hangs = True
    await until(lambda: world.lane.ranges.unsafe() == 1)
    world.lane.quiet()
    await until(lambda: world.lane.ranges.unsafe() == 0)
    assert world.lane.ranges.released(0) == 0, "the next owner applies it"
    world.running.cancel()
