"""Progress: notes in MongoDB how far the projection is, so that whoever reads there knows what is in, and how fresh.

A worker owns the same partitions of a topic and of its facts. What stood in the topic at a moment is in the read model
once it is decided, with its facts in the log, and the facts that the log then has are projected.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, TypeAlias

from confluent_kafka import KafkaException

from app import topics
from app.main import app, settings
from app.wiring import STORE_AWAY, Reached, progress

log: Final = logging.getLogger(__name__)

FACTS: Final = {topics.ORDERS: topics.ORDER_EVENTS, topics.INVENTORY: topics.INVENTORY_EVENTS}
"""The topics that clients write to, and where it is told what came of it."""

LONGEST_ROUND_S: Final = 10.0
"""A partition that takes longer is left to the next round: it must not make the others look old."""

Ends: TypeAlias = Mapping[tuple[str, int], int]
"""The next offsets of partitions, by topic and number."""


async def round_of_progress() -> dict[tuple[str, int], Reached]:
    """How far each partition of this worker is in by now. Waits until it is. Raises `KafkaException`."""
    held = [(topic, partition) for topic in FACTS for partition in app.lanes[topic].ranges.partitions]
    at = datetime.now(UTC)
    ends = await app.ends.ends(held)
    decided = await _come_to(ends)
    told = await app.ends.ends([(FACTS[topic], partition) for topic, partition in decided])
    projected = await _come_to(told)
    return {
        (topic, partition): Reached(ends[topic, partition] - 1, at)
        for topic, partition in decided
        if (FACTS[topic], partition) in projected
    }


async def _come_to(ends: Ends) -> set[tuple[str, int]]:
    """Those of these partitions that are applied up to their ends in time, and stay here until then."""
    waiting = {
        asyncio.create_task(app.lanes[topic].applied(partition, end - 1)): (topic, partition)
        for (topic, partition), end in ends.items()
    }
    if not waiting:
        return set()
    done, late = await asyncio.wait(waiting, timeout=LONGEST_ROUND_S)
    for task in late:
        task.cancel()
    return {waiting[task] for task in done if task.exception() is None}


@app.task  # type: ignore[untyped-decorator]  # Faust does not say what it returns
async def note_progress() -> None:
    """Round after round, as long as the worker runs; while Kafka or MongoDB is away, nothing is known."""
    while True:
        await asyncio.sleep(settings.progress_interval_s)
        try:
            await progress().note(await round_of_progress())
        except (KafkaException, *STORE_AWAY) as error:
            log.warning("how far the projection is can't be noted now: %s", error)
