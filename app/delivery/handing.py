"""The loop between Kafka and the inboxes: what is read is handed on whole, or read again."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from faust.types import TP

from app.delivery.contract import ConsumerRecord
from app.delivery.inbox import Batch
from app.delivery.intake import Intake
from app.delivery.lane import Lane
from app.delivery.reader import Reader
from app.delivery.stats import Stats

if TYPE_CHECKING:
    from app.delivery.consumer import DrainConsumer

WAIT_S: Final = 0.1
"""How long a read waits for records: for so long a stop may wait for it."""


class HandingLoop:
    """Part of the consumer, and at home with its flow control."""

    def __init__(
        self, consumer: "DrainConsumer", reader: Reader, lanes: Mapping[str, Lane], intake: Intake, stats: Stats
    ) -> None:
        self._consumer = consumer
        self._reader = reader
        self._lanes = lanes
        self._intake = intake
        self._stats = stats

    async def run(self, stopped: Callable[[], bool]) -> None:
        """Hand on until `stopped`."""
        consumer = self._consumer
        while not stopped():
            if not consumer.flow_active:
                await consumer.wait(consumer.can_resume_flow)  # type: ignore[arg-type]  # an Event of asyncio will do
                continue
            fetched = await consumer.read(WAIT_S)
            if fetched:
                self._hand_on(fetched)

    def _flowing(self) -> bool:
        return (
            self._consumer.is_current()
            and not self._consumer.suspend_flow.is_set()
            and self._consumer.app.flow_control.is_active()
        )

    def _hand_on(self, fetched: Mapping[TP, Sequence[ConsumerRecord]]) -> None:
        if not self._flowing():
            self._stats.stale += len(fetched)  # they are read again when the flow begins anew
            return
        generation = self._consumer.app.consumer_generation_id
        again = False
        for tp, records in fetched.items():
            again |= not self._hand_to_lane(generation, self._lanes[tp.topic], tp, records)
        if again:
            self._stats.seekbacks += 1
            self.begin()

    def begin(self) -> None:
        """Read on where the intake is."""
        self._reader.assign(self._intake.positions)
        paused = [tp for lane in self._lanes.values() for tp in lane.inbox.paused]
        if paused:
            self._reader.pause(paused)

    def _hand_to_lane(self, generation: int, lane: Lane, tp: TP, records: Sequence[ConsumerRecord]) -> bool:
        """Hand on what is new in these records; `False` if some before them were skipped."""
        admitted = self._intake.admit(tp, records)
        if isinstance(admitted, int):
            return False
        if admitted:
            lane.inbox.put(Batch(tp, generation, admitted))
        if lane.inbox.size >= lane.inbox.high and tp not in lane.inbox.paused:
            self._stats.pauses += 1
            lane.inbox.paused.add(tp)
            self._reader.pause((tp,))
        return True
