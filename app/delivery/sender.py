"""Brings records to Kafka: in order a partition, once, and whatever gathers meanwhile in one request to each broker.

librdkafka's producer makes a request of each partition; with a handful of records for each of many partitions, the
requests were most of what an order cost the broker, and a good part of what it cost the worker. Here one request is
under way to each broker, and what comes until it is answered goes together in the next one: nothing waits while there
is little to do, and much goes together when there is much.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Final, TypeAlias

from aiokafka.errors import for_code  # type: ignore[import-untyped]  # has no types

from app.delivery.batch import Batch, OnDelivery, ProducerId, Record
from app.delivery.cluster import AWAY, RETRY_S, Cluster
from app.delivery.produce import Appended, Place, ProduceRequest

log = logging.getLogger(__name__)

StillOurs: TypeAlias = Callable[[float], Awaitable[str | None]]
"""Is asked when records have waited for so many seconds: None to go on sending them, else why they must not be sent."""

OnAppended: TypeAlias = Callable[[Place, Batch, Appended], None]
"""Is told of each batch that stands in the log now, and where."""

AWAY_AFTER_S: Final = 0.3
"""How long nothing succeeds until the brokers are said to be away."""

REQUEST_BYTES: Final = 16_000_000
"""About the most in one request; a broker takes 100 MB (`socket.request.max.bytes`)."""

AGAIN: Final = frozenset({3, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 20, 56, 74, 75})
"""Kafka's codes for what mends itself: another broker leads, replicas are missing, it took too long, and the like.
The same batch may be sent again after each of them; the broker knows it by its sequence if it was appended."""


class Sender:
    """Sends what waits for less than `fresh_s`; what is older only after `still_ours` has allowed it.

    Of each partition one batch is under way at a time. It is sent until it is answered, always the same bytes, by
    which the broker knows it: that is Kafka's idempotent producer. All methods run on the loop. `before_request` may
    end the process: the loop's clock does not tell of a machine that was suspended.
    """

    def __init__(
        self,
        cluster: Cluster,
        fresh_s: float,
        still_ours: StillOurs,
        on_appended: OnAppended = lambda _place, _batch, _appended: None,
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._cluster = cluster
        self._fresh_s = fresh_s
        self._still_ours = still_ours
        self._on_appended = on_appended
        self._before_request = before_request
        self._queues: dict[Place, deque[Batch]] = {}
        self._under_way: dict[int, dict[Place, Batch]] = {}
        self._resting: set[Place] = set()
        self._id: ProducerId | None = None
        self._sequences: dict[Place, int] = {}
        self._loop = asyncio.get_running_loop()
        self._allowed_s = self._loop.time()
        self._failing_since_s: float | None = None
        self._flushing = False
        self._closed: str | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._preparing = False
        self.asking = False
        """Whether everything waits for `still_ours`."""

    def __len__(self) -> int:
        """How many records are not acknowledged."""
        return sum(len(batch) for queue in self._queues.values() for batch in queue)

    @property
    def away(self) -> bool:
        """Whether the brokers do not answer, as far as is known."""
        return self._failing_since_s is not None and self._loop.time() - self._failing_since_s > AWAY_AFTER_S

    def send(self, place: Place, records: Sequence[Record], on_delivery: OnDelivery) -> None:
        """Queue records, the first first. `on_delivery` is told of each once, and not before this returns."""
        if self._closed is not None:
            self._loop.call_soon(on_delivery, self._closed, -1, -1, len(records))
            return
        queue = self._queues.get(place)
        if queue is None:
            queue = self._queues[place] = deque()
        added = queue[-1].add(records, on_delivery) if queue else 0
        while added < len(records):
            queue.append(Batch(self._loop.time()))
            added += queue[-1].add(records[added:], on_delivery)
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def fail(self, reason: str) -> None:
        """Give up all that is not acknowledged: some of it may stand in the log. What comes later is sent."""
        for node in self._under_way:
            self._cluster.hang_up(node)
        queues, self._queues = self._queues, {}
        self._id = None  # the sequences of what was under way are not known any more
        for queue in queues.values():
            for batch in queue:
                batch.failed(reason)

    def refuse(self, reason: str) -> None:
        """As `fail`, and nothing is sent any more."""
        self._closed = reason
        self.fail(reason)

    async def close(self) -> None:
        """Let go of the brokers; nobody is told of what was not acknowledged."""
        self._closed = self._closed or "the worker is stopping"
        self._queues.clear()
        for task in self._tasks:
            task.cancel()
        await self._cluster.close()

    def _flush(self) -> None:
        """Send to each broker that is free what waits for it."""
        self._flushing = False
        busy = self._resting.union(*self._under_way.values())
        idle = {place: queue[0] for place, queue in self._queues.items() if place not in busy}
        if self._preparing or not idle:
            return
        self._before_request()
        now_s = self._loop.time()
        waited_s = now_s - min(batch.since_s for batch in idle.values())
        if waited_s > self._fresh_s and now_s - self._allowed_s > self._fresh_s:
            self._prepare(self._ask(waited_s))
        elif self._id is None:
            if not self._under_way:
                self._prepare(self._begin_anew())
        else:
            self._send_to_leaders(self._id, idle)

    def _send_to_leaders(self, producer: ProducerId, idle: Mapping[Place, Batch]) -> None:
        batches: dict[int, dict[Place, Batch]] = {}
        for place, batch in idle.items():
            node = self._cluster.leader(place)
            if node is None:
                self._rest([place])
            elif node not in self._under_way:
                batches.setdefault(node, {})[place] = batch
        for node, theirs in batches.items():
            sealed: dict[Place, bytearray] = {}
            size = 0
            for place, batch in theirs.items():
                sealed[place] = batch.sealed(producer, self._sequences.get(place, 0))
                size += len(sealed[place])
                if size > REQUEST_BYTES:
                    break
            self._under_way[node] = {place: theirs[place] for place in sealed}
            self._spawn(self._deliver(node, sealed))

    async def _deliver(self, node: int, sealed: Mapping[Place, bytearray]) -> None:
        sent = self._under_way[node]
        until_s = max(self._allowed_s, min(batch.since_s for batch in sent.values())) + self._fresh_s
        answers: Mapping[Place, Appended] = {}
        try:
            async with asyncio.timeout_at(until_s):
                answers = await self._cluster.produce(node, ProduceRequest(sealed, self._fresh_s))
            self._failing_since_s = None
        except AWAY as error:
            self._failed(error)
            self._cluster.hang_up(node)
        finally:
            del self._under_way[node]
        self._rest([place for place, batch in sent.items() if not self._settle(place, batch, answers.get(place))])
        self._flush()

    def _settle(self, place: Place, batch: Batch, answer: Appended | None) -> bool:
        """Tell what became of a batch that was under way; False if it must be sent again."""
        queue = self._queues.get(place)
        if not queue or queue[0] is not batch:
            return True  # it was given up meanwhile
        if answer is None or answer.error in AGAIN:
            return False
        queue.popleft()
        if not queue:
            del self._queues[place]
        if answer.error:
            self._id = None  # the broker may have another idea of the sequence than we have
            batch.failed(for_code(answer.error).__name__)
        else:
            self._sequences[place] = batch.next_sequence
            batch.taken(answer)
            self._on_appended(place, batch, answer)
        return True

    def _rest(self, places: Collection[Place]) -> None:
        """Let these wait a little, and look whether somebody else leads them."""
        if places and not self._resting:
            self._spawn(self._learn())
        self._resting.update(places)

    async def _learn(self) -> None:
        await asyncio.sleep(RETRY_S)
        try:
            await self._cluster.learn()
        except AWAY as error:
            self._failed(error)
        self._resting.clear()
        self._flush()

    async def _begin_anew(self) -> None:
        """Become a producer that has sent nothing: what was sent before, and not answered, may come twice."""
        try:
            self._id = await self._cluster.new_id()
        except AWAY as error:
            self._failed(error)
            await asyncio.sleep(RETRY_S)
            return
        self._sequences.clear()
        for queue in self._queues.values():
            queue[0].unseal()

    async def _ask(self, waited_s: float) -> None:
        self.asking = True
        log.warning("the broker does not answer: holding back what it has not acknowledged")
        try:
            refused = await self._still_ours(waited_s)
        finally:
            self.asking = False
        if refused is None:
            log.warning("sending %d records again", len(self))
            self._allowed_s = self._loop.time()
        else:
            self.fail(refused)

    def _prepare(self, work: Coroutine[None, None, None]) -> None:
        """Do this before anything else is sent."""
        self._preparing = True
        self._spawn(self._prepared(work))

    async def _prepared(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        finally:
            self._preparing = False
        self._flush()

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("sending failed", exc_info=error)
            self.fail(f"sending failed: {error!r}")

    def _failed(self, error: Exception) -> None:
        if self._failing_since_s is None:
            self._failing_since_s = self._loop.time()
            log.warning("the broker does not take what is sent: %r", error)
