"""A look inside a worker: what it holds, how far it is, and how much there still is to read."""

import asyncio
from typing import TYPE_CHECKING, NamedTuple, cast

from confluent_kafka import KafkaException

from app.delivery.recovery import DrainTableManager

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

ENDS_TIMEOUT_S = 2.0


class Progress(NamedTuple):
    """A partition that this worker holds: the offset of the next record to finish, and where the log ends, if known."""

    topic: str
    partition: int
    next: int
    end: int | None

    @property
    def lag(self) -> int | None:
        """How many records are not finished: decided, safe, and their calls ended."""
        return None if self.end is None else max(0, self.end - self.next)


class Recovered(NamedTuple):
    """The last recovery of the tables: `read` of `end` records, `running` until they are all in."""

    running: bool
    read: int
    end: int


async def progress(app: "DeliveryApp") -> list[Progress]:
    """Return the partitions of this worker, by topic and number."""
    held = {
        (lane.topic, partition): released
        for lane in app.lanes.values()
        for partition in lane.ranges.partitions
        if (released := lane.ranges.released(partition)) is not None
    }
    ends: dict[tuple[str, int], int] = {}
    try:
        async with asyncio.timeout(ENDS_TIMEOUT_S):
            ends = await app.ends.ends(held)
    except (KafkaException, TimeoutError):
        pass  # Kafka is away; how far we are is still worth telling
    return [Progress(topic, partition, held[topic, partition], ends.get((topic, partition)))
            for topic, partition in sorted(held)]  # fmt: skip


def recovered(app: "DeliveryApp") -> Recovered:
    """Return how far the tables of this worker are recovered."""
    recovery = cast(DrainTableManager, app.tables).recovery
    ends = {tp: last + 1 for tp, last in recovery.active_highwaters.items() if tp in recovery.active_tps}
    read = sum(min(end, (recovery.active_offsets.get(tp) or 0) + 1) for tp, end in ends.items())
    running = bool(app.in_recovery)
    return Recovered(running, read if running else sum(ends.values()), sum(ends.values()))


def generation(app: "DeliveryApp") -> int:
    """Return the generation of the group that this worker belongs to, or -1."""
    return app.drain.generation if app.drain.generation is not None else -1
