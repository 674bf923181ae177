"""A Faust consumer that hands whole fetches to agents and commits by watermark.

Faust makes a Message, an Event and two tasks of each record, and keeps a list of acknowledged offsets whose
gaps it fills by itself. Here a topic that has a lane goes as batches to its agent, and what may be
committed is the watermark over ranges that are safe. aiokafka is the member of the group, and commits; it fetches
nothing: messages are read by `reader.py`, changelogs by `changelog.py`.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka.errors import ConsumerStoppedError  # type: ignore[import-untyped]  # has no types
from faust.transport.drivers.aiokafka import Consumer
from faust.types import TP

from app.delivery.batch import Batch
from app.delivery.brokers import Brokers
from app.delivery.contract import ConsumerRecord
from app.delivery.handing import HandingLoop
from app.delivery.intake import Intake
from app.delivery.lane import Lane, Piece
from app.delivery.produce import Appended, Place
from app.delivery.reader import Reader
from app.delivery.thread import DrainThread

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

SETTLE_POLL_S = 0.005

#: Parts of the five seconds that a stop may take: until all is acknowledged, for a commit, and for Faust's own wait.
STOP_SETTLE_S = 1.5
COMMIT_S = 1.0
STOP_EMPTY_S = 0.3


class DrainConsumer(Consumer):
    """See the module. All methods run on the app's loop; `DrainThread` does the rest."""

    app: "DeliveryApp"
    _thread: DrainThread

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stats = self.app.stats
        self._lanes = self.app.lanes
        self._intake = Intake(self._stats)
        self._committed_at_s = 0.0
        self.generation: int | None = None  # that the lanes' ranges belong to
        self._forgotten = 0
        limit_s = self.app.conf.broker_session_timeout
        self._reader = Reader(Brokers(self.app.bootstrap, self.app.security, self._lanes, limit_s), limit_s)
        self._handing = HandingLoop(self, self._reader, self._lanes, self._intake, self._stats)

    def _new_consumer_thread(self) -> DrainThread:
        return DrainThread(self, loop=self.loop, beacon=self.beacon)

    # -- flow

    def stop_flow(self) -> None:
        """Stop handing on, and drop what no agent has taken: it is read again from the commit."""
        super().stop_flow()
        for lane in self._lanes.values():
            self._stats.dropped += lane.inbox.clear()
        self._intake.stop()
        self._reader.assign({})

    async def on_partitions_assigned(self, assigned: set[TP], generation_id: int = 0) -> None:
        """Begin with aiokafka fetching nothing: all is read beside it."""
        await self._thread.run(self._thread.pause())
        await super().on_partitions_assigned(assigned, generation_id)

    async def perform_seek(self) -> None:
        """Start a generation: every stream partition from its commit. Called when the tables are recovered."""
        generation = self.app.consumer_generation_id
        changelogs = frozenset(self.app.tables.changelog_topics)
        forgotten = self._forgotten
        starts = await self._thread.run(self._thread.starts(generation, changelogs))
        # Between a revocation and the next assignment the generation is still the old one.
        if starts is None or self.app.consumer_generation_id != generation or self._forgotten != forgotten:
            return
        self._intake.begin({tp: start.next for tp, start in starts.items()})
        for tp, start in starts.items():
            self._read_offset[tp] = start.next or None
            self._committed_offset[tp] = start.committed
        for lane in self._lanes.values():
            lane.begin(generation, {tp.partition: at.next for tp, at in starts.items() if tp.topic == lane.topic})
        self.generation = generation
        self._committed_at_s = self.loop.time()
        self._handing.begin()

    async def read(self, timeout_s: float) -> Mapping[TP, Sequence[ConsumerRecord]]:
        """As of `Reader`."""
        return await self._reader.read(timeout_s)

    def appended(self, place: Place, batch: Batch, where: Appended) -> None:
        """Take what this worker has written to a partition that it reads itself."""
        self._reader.offer(place, batch, where)

    async def _drain_messages(self, fetcher: Any) -> None:
        try:
            await self._handing.run(lambda: self._stopped.is_set() or fetcher._stopped.is_set())
        except (ConsumerStoppedError, asyncio.CancelledError):
            if not self.app.should_stop:
                raise

    async def take(self, lane: Lane, limit: int) -> list[Piece]:
        """Wait for at most `limit` records, and open their ranges.

        Nothing may be awaited between this and the sending of what they cause. Empty when the generation
        ended while they were queued.
        """
        batches = await lane.inbox.take(limit)
        if lane.inbox.paused and lane.inbox.size <= lane.inbox.low:
            self._reader.resume(lane.inbox.paused)
            lane.inbox.paused.clear()
        if self.is_current():
            return lane.start(batches)
        self._stats.stale += len(batches)
        return []

    def is_current(self) -> bool:
        """Tell whether messages of this generation may still be processed and sent."""
        return self.flow_active and self.generation == self.app.consumer_generation_id

    async def is_member(self) -> bool:
        """Ask the group whether this generation still is its present one; waits while the broker is away.

        It asks by a commit, since that is what the coordinator refuses to those it has given up.
        """
        generation = self.generation
        held = [
            (TP(lane.topic, partition), lane.ranges.released(partition))
            for lane in self._lanes.values()
            for partition in lane.ranges.partitions
        ]
        offsets = {tp: offset for tp, offset in held[:1] if offset is not None}
        if generation is None or not offsets:
            return False
        return await self._thread.run(self._thread.commit_in(generation, offsets)) and self.is_current()

    def join_again(self) -> None:
        """Have the group agree anew, soon. On the consumer's own thread only."""
        self._thread._ensure_consumer()._coordinator.request_rejoin()

    # -- acknowledgement

    def committed(self, tp: TP) -> int:
        """The offset below which all of the partition is committed, as far as this worker knows."""
        return self._committed_offset.get(tp) or 0

    @property
    def commit_age_s(self) -> float:
        """How long ago this worker last committed, while something waits for it; else 0."""
        waits = any((self._new_offset(tp) or 0) > self.committed(tp) for tp in self._lane_partitions())
        return self.loop.time() - self._committed_at_s if waits else 0.0

    def _lane_partitions(self) -> list[TP]:
        return [TP(lane.topic, partition) for lane in self._lanes.values() for partition in lane.ranges.partitions]

    def _filter_tps_with_pending_acks(self, topics: Any = None) -> Any:
        yield from super()._filter_tps_with_pending_acks(topics)
        for tp in self._lane_partitions():
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        lane = self._lanes.get(tp.topic)
        return super()._new_offset(tp) if lane is None else lane.ranges.released(tp.partition)

    async def _commit_tps(self, tps: Iterable[TP], start_new_transaction: bool) -> bool:
        generation = self.generation
        asked = list(tps)
        others = [tp for tp in asked if tp.topic not in self._lanes]
        did = await super()._commit_tps(others, start_new_transaction) if others else False
        offsets = self._filter_committable_offsets([tp for tp in asked if tp.topic in self._lanes])
        if generation is None or not offsets:
            return did
        committed = await self._thread.run(self._thread.commit_in(generation, offsets))
        if committed and self.generation == generation:
            self._committed_offset.update(offsets)
            self._committed_at_s = self.loop.time()
        return committed or did

    async def _settle(self, limit_s: float) -> bool:
        """Wait until all that was sent is acknowledged, then commit; `False` if that took too long."""
        deadline = self.loop.time() + limit_s
        while self._unsettled() and self.loop.time() < deadline:  # noqa: ASYNC110 - many things may end it
            await asyncio.sleep(SETTLE_POLL_S)
        settled = not self._unsettled()
        if not await self._within(max(COMMIT_S, deadline - self.loop.time()), self._commit_surely()):
            log.warning("could not commit before the partitions leave; the next owner repeats a little")
        return settled

    async def _commit_surely(self) -> None:
        await self.commit()
        await self.commit()  # the first may only have waited for one under way

    @staticmethod
    async def _within(limit_s: float, work: Coroutine[Any, Any, Any]) -> bool:
        """Run `work` for at most `limit_s`. Faust swallows cancellation in there, so it is left behind then."""
        task = asyncio.ensure_future(work)
        await asyncio.wait({task}, timeout=limit_s)
        if not task.done():
            task.cancel()
            return False
        task.result()
        return True

    def _unsettled(self) -> bool:
        return self.app.sink.open > 0 or any(lane.ranges.unsafe() for lane in self._lanes.values())

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Finish what is under way and commit it while the partitions are still ours (Faust forgets first)."""
        try:
            if not self.app.should_stop and self.assignment():
                self.stop_flow()
                self.app.flow_control.suspend()
                self.app.flow_control.clear()
                await self._leave(self.app.conf.broker_session_timeout * 0.5)
        finally:
            self._forget()
        await super().on_partitions_revoked(revoked)

    async def wait_empty(self) -> None:
        """Finish what is under way when the worker stops; after a crash, only let go of it."""
        if self.generation is not None:
            await self._leave(0.0 if self.app.crashed else STOP_SETTLE_S)
            self._forget()
        await self._within(STOP_EMPTY_S, super().wait_empty())

    async def _leave(self, limit_s: float) -> None:
        for lane in self._lanes.values():
            lane.quiet()
        if await self._settle(limit_s):
            return
        self._stats.revoke_timeouts += 1
        if self.app.sink.open:
            # They would reach the log behind the next owner's rows: take them back, and stop for it.
            log.error("partitions leave with unacknowledged records: they are purged")
            self.app.sink.purge()

    def _forget(self) -> None:
        self._forgotten += 1
        self.generation = None
        self._intake.stop()
        for lane in self._lanes.values():
            lane.quiet()
            lane.leave()

    async def on_stop(self) -> None:
        """Read no more."""
        await super().on_stop()
        await self._reader.close()

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing to verify: Faust's check looks at streams that no record passes."""
