"""A participant: one topic, one table, one decision, run slice by slice."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from app.delivery.blocking import Blocking
from app.delivery.calls import Caller, Touched
from app.delivery.contract import Calls, Decide, Park, Row
from app.delivery.draft import Draft
from app.delivery.forgetting import Forgetter, Retention
from app.delivery.healing import Healer
from app.delivery.lane import Piece
from app.delivery.table import RowTable
from app.delivery.timers import Clock, Timers
from app.delivery.tracing import Span, onward
from app.delivery.watchers import Watchers

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp


class Participant:
    """Runs `decide` over a topic of the app; the body of that topic's Faust agent.

    `calls` are its calls to the outside, `clock` says what its rows wait for, `retention` when they leave.
    `slice_size` is the most messages taken at once, `in_flight` the most slices that wait for the broker.
    """

    def __init__(
        self,
        app: "DeliveryApp",
        topic: str,
        table: RowTable,
        decide: Decide,
        *,
        park: Park,
        calls: Calls | None = None,
        clock: Clock | None = None,
        retention: Retention | None = None,
        slice_size: int = 500,
        in_flight: int = 4,
    ) -> None:
        if table.partitions != app.partitions_of(topic):
            raise ValueError(f"table {table.name!r} and topic {topic!r} must have the same number of partitions")
        self._app = app
        self._lane = app.lane(topic)
        self._table = table
        self._blocking = Blocking(decide, park, app.stats)
        self._slice_size = slice_size
        self._slots = asyncio.Semaphore(in_flight)
        app.participants[topic] = self
        self._watchers = Watchers()
        self._lane.on_begin += (self._begin, table.show)
        self._healer = Healer(app, self._lane, table)
        self._caller: Caller | None = None
        self._lane.on_leave += (self._watchers.leave, table.hide)
        if calls is not None:
            self._caller = Caller(app, table, calls, self._watchers.wake, self._healer.acknowledged)
            self._lane.on_leave.append(self._caller.leave)
        self._timers = None if clock is None else Timers(table, clock)
        if self._timers is not None:
            self._lane.on_begin.append(self._timers.begin)
            self._lane.on_leave.append(self._timers.leave)

        self._forgetter = None
        if retention is not None:
            self._forgetter = Forgetter(app, self._lane, table, retention, self._healer.acknowledged)
            self._lane.on_leave.append(self._forgetter.leaving.clear)

    async def run(self, stream: Any) -> None:
        """Take slices until the worker stops: `await participant.run(stream)` is all the agent does."""
        await stream.maybe_start()
        self._app.add_future(self._beside(self._healer.run()))
        if self._timers is not None:
            self._app.add_future(self._beside(self._timers.run(self._app)))
        if self._forgetter is not None:
            self._app.add_future(self._beside(self._forgetter.run()))
        with self._lane.attended(lambda: self._app.should_stop):
            async with self._app.stops_on_failure(f"the participant of {self._lane.topic}"):
                while True:
                    await self._turn()
                    await asyncio.sleep(0)  # HTTP gets its turn between slices

    def _begin(self, partitions: Iterable[int]) -> None:
        self._healer.begin(partitions)
        for partition in partitions:
            start = self._lane.ranges.applied(partition)
            assert start is not None, "a partition that begins has its ranges"
            self._healer.delete(partition, self._table.queues_of(partition).forget(start))

    async def _beside(self, work: Coroutine[Any, Any, None]) -> None:
        async with self._app.stops_on_failure(f"what runs beside {self._lane.topic}"):
            await work

    async def _turn(self) -> None:
        if self._caller is not None:
            await self._caller.room()
        await self._slots.acquire()
        sending = False
        try:
            pieces = await self._app.drain.take(self._lane, self._slice_size)
            if not pieces:
                return
            # From here to the send nothing is awaited: the generation that was checked is the one that sends.
            self._app.guard.check("before a slice")
            draft = Draft(self._table, self._healer.acknowledged)
            touched = None if self._caller is None else self._caller.touched()
            spans = [span for piece in pieces for span in self._decide_piece(piece, draft, touched)]
            self._app.guard.check("before its send")
            sent = draft.send(self._app.sink)
            if self._caller is not None and touched is not None:
                self._caller.sent(touched)
            self._app.stats.slices += 1
            self._app.spawn(self._finish(sent, pieces, draft.written, touched, spans), f"a slice of {self._lane.topic}")
            sending = True
        finally:
            if not sending:
                self._slots.release()

    def _decide_piece(self, piece: Piece, draft: Draft, touched: Touched | None) -> list[Span]:
        partition, tracer, stats, spans = piece.tp.partition, self._app.tracing, self._app.stats, list[Span]()
        rows, queues = self._table.rows_of(partition), self._table.queues_of(partition)
        if self._forgetter is not None:
            rows = self._forgetter.leaving.watch(rows)
        for record in piece.records:
            parked, span = stats.parked, None if tracer is None else tracer.begin(record, rows)
            effects, offset, entry = self._blocking.handle(rows, queues, record)
            draft.add(partition, effects, onward(record.headers) if span is None else span.headers)
            if span is not None:
                span.decided(effects, parked=stats.parked > parked)
                spans.append(span)
            if entry is not None and record.key is not None:
                draft.queue(partition, record.key, offset, entry)
            if touched is not None:
                for key, _ in effects.rows:
                    touched.add(partition, key, piece.range)
                if record.key is not None:
                    touched.add(partition, record.key.decode(errors="replace"), piece.range)
        stats.messages += len(piece.records)
        return spans

    async def _finish(
        self,
        sent: "asyncio.Future[None]",
        pieces: Sequence[Piece],
        written: Sequence[tuple[int, str]],
        touched: Touched | None,
        spans: Sequence[Span],
    ) -> None:
        try:
            await sent
            for span in spans:
                span.safe()
            if self._caller is not None and touched is not None:
                self._caller.safe(touched)  # holds come before the ranges may be released
            self._lane.mark_safe(pieces)
            if self._timers is not None and self._app.drain.is_current():
                self._timers.written(written)
            self._watchers.wake(key for _, key in written)
        finally:
            self._slots.release()

    @property
    def blocked(self) -> int:
        """How many keys of this worker's partitions are blocked."""
        return sum(self._table.queues_of(partition).blocked for partition in self._table.partitions_held)

    async def applied(self, partition: int, offset: int, timeout_s: float) -> None:
        """Wait until the record at `offset`, and all before it, is decided and what it caused is safe.

        Raises `Moved` when the partition is not, or no longer, ours; `TimeoutError`.
        """
        async with asyncio.timeout(timeout_s):
            await self._lane.applied(partition, offset)

    async def caught_up(self, partition: int, timeout_s: float) -> None:
        """As `applied`, up to the end of the partition as the broker has it now."""
        async with asyncio.timeout(timeout_s):
            await self._lane.applied(partition, -1)  # ours at all? then it is worth to ask the broker
            end = await self._app.ends.end(self._lane.topic, partition)
            await self._lane.applied(partition, end - 1)

    def parked(self, partition: int, key: str, offset: int | None = None) -> bool:
        """Tell whether messages of `key` wait behind one that failed; with `offset`, whether the one there does, too.

        False when the partition is not ours.
        """
        if partition not in self._table.partitions_held:
            return False
        queue = self._table.queues_of(partition).get(key.encode())
        return queue is not None and queue.holds(offset)

    async def changed(self, key: str, until: Callable[[Row | None], bool], timeout_s: float) -> Row | None:
        """Wait until the row of `key` satisfies `until`, looking after each safe write; return the row.

        After `timeout_s` it returns the row as it then is. Raises `Moved` when its partition leaves.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not until(row := self._table.row(key)):
                    await self._watchers.next_write(key)
                return row
        except TimeoutError:
            return self._table.row(key)
