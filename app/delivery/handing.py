"""The loop between Kafka and the inboxes: each fetch is handed on whole, or read again."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast

from faust.types import TP

from app.delivery.contract import ConsumerRecord
from app.delivery.inbox import Batch
from app.delivery.intake import Intake
from app.delivery.lane import Lane
from app.delivery.stats import Stats

if TYPE_CHECKING:
    from app.delivery.consumer import DrainConsumer

ALL_PAUSED_S = 0.005


class HandingLoop:
    """Part of the consumer, and at home with its private flow control."""

    def __init__(self, consumer: "DrainConsumer", lanes: Mapping[str, Lane], intake: Intake, stats: Stats) -> None:
        self._consumer = consumer
        self._lanes = lanes
        self._intake = intake
        self._stats = stats

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Hand on until `stopped`."""
        consumer = self._consumer
        while not stopped():
            full = any(lane.inbox.paused for lane in self._lanes.values())
            if full and consumer.flow_active and not consumer._active_partitions:
                # Faust sleeps a whole second when nothing is active.
                await asyncio.sleep(ALL_PAUSED_S)
                continue
            fetched, active = await consumer._wait_next_records(0.1 if full else 1.0)
            await asyncio.sleep(0)
            if fetched:
                await self._hand_on(cast(Mapping[TP, Sequence[ConsumerRecord]], fetched), active or set())

    def _flowing(self, generation: int) -> bool:
        return (
            self._consumer.flow_active
            and not self._consumer.suspend_flow.is_set()
            and self._consumer.app.flow_control.is_active()
            and self._consumer.app.consumer_generation_id == generation
        )

    async def _hand_on(self, fetched: Mapping[TP, Sequence[ConsumerRecord]], active: set[TP]) -> None:
        generation = self._consumer.app.consumer_generation_id
        again: dict[TP, int] = {}
        for fetched_tp, records in fetched.items():
            if not records:
                continue
            tp = TP(fetched_tp.topic, fetched_tp.partition)
            if not self._flowing(generation) or not (tp in active or tp in self._consumer._buffered_partitions):
                again[tp] = records[0].offset
                continue
            offset = self._hand_to_lane(generation, self._lanes[tp.topic], tp, records)
            if offset is not None:
                again[tp] = offset
        if again:
            self._stats.seekbacks += 1
            await self._consumer.seek_back(generation, again)

    def _hand_to_lane(self, generation: int, lane: Lane, tp: TP, records: Sequence[ConsumerRecord]) -> int | None:
        """Return the offset to read again, if the records can't be handed on."""
        if self._consumer.generation != generation:
            self._stats.stale += 1
            return records[0].offset
        admitted = self._intake.admit(tp, records)
        if isinstance(admitted, int):
            return admitted
        if admitted:
            lane.inbox.put(Batch(tp, generation, admitted))
        if lane.inbox.size >= lane.inbox.high and tp not in lane.inbox.paused:
            self._stats.pauses += 1
            lane.inbox.paused.add(tp)
            self._consumer._buffered_partitions.add(tp)
            self._consumer._active_partitions.discard(tp)
        return None
