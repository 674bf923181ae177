"""A generation is begun with its partitions, or not at all."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from app.delivery.consumer import DrainConsumer
from app.delivery.inbox import Inbox
from app.delivery.intake import Intake
from app.delivery.lane import Lane
from app.delivery.stats import Stats
from app.delivery.thread import Start

GENERATION = 7


@pytest.mark.parametrize("is_revoked", [False, True])
async def test_partitions_that_are_let_go_while_it_is_asked_where_they_begin_are_not_begun(is_revoked: bool) -> None:
    """Until the group has agreed anew, the generation is still the old one."""
    asked, answer = asyncio.Event(), asyncio.Event()

    async def starts(*_: Any) -> dict[TP, Start]:
        asked.set()
        await answer.wait()
        return {TP("orders", 0): Start(5, 5)}

    consumer: Any = object.__new__(DrainConsumer)
    lane = Lane("orders", Inbox(10, 3))
    consumer.app = SimpleNamespace(consumer_generation_id=GENERATION, tables=SimpleNamespace(changelog_topics=set()))
    consumer._loop, consumer._lanes, consumer._intake = asyncio.get_running_loop(), {"orders": lane}, Intake(Stats())
    consumer._thread = SimpleNamespace(run=lambda work: work, starts=starts)
    consumer._handing = SimpleNamespace(begin=lambda: None)
    consumer._read_offset, consumer._committed_offset = {}, {}
    consumer.generation, consumer._forgotten = None, 0
    seeking = asyncio.ensure_future(consumer.perform_seek())
    await asked.wait()
    if is_revoked:
        consumer._forget()
    answer.set()
    await seeking
    assert consumer.generation == (None if is_revoked else GENERATION)
    assert list(lane.ranges.partitions) == ([] if is_revoked else [0])
