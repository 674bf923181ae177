"""Reads the partitions that the group gave this worker, on the loop, beside the consumer that is the member.

aiokafka's consumer makes some hundred thousand steps of a fetch of 48 partitions, librdkafka's has threads of its own,
which Python's has to wait for, and then the loop for that. Here an answer is records one step after it has come; and
what this worker has written itself it has without asking, as soon as a broker has said where it stands. What was read
may be of before the last `assign`: whoever takes it looks at its offsets (`intake.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Final

from aiokafka.errors import CorruptRecordException, for_code  # type: ignore[import-untyped]  # has no types
from faust.types import TP

from app.delivery.batch import Batch
from app.delivery.cluster import AWAY, RETRY_S, Cluster
from app.delivery.fetch import FETCH_BYTES, WAIT_S, FetchAnswer, Session
from app.delivery.produce import Appended, Place
from app.delivery.read import Read, batches_in

log = logging.getLogger(__name__)

BETWEEN_S: Final = 0.001
"""How long a broker is left alone after an answer. It answers as soon as one of the partitions has something; what
comes to the others in the same moment is then in one more answer, and not in several."""

QUIET_S: Final = 0.016
"""How long at most, once answers tell nothing that this worker has not written itself: twice as long after each."""

OUT_OF_RANGE: Final = 1
NO_SUCH_SESSION: Final = frozenset({70, 71})


def rest_after(last_s: float, *, is_news: bool) -> float:
    """How long a broker is left alone after an answer, when it was for `last_s` after the one before. Pure."""
    return BETWEEN_S if is_news else min(2 * last_s, QUIET_S)


class Reader:
    """Reads what it was last assigned. A broker that does not answer for `timeout_s` is asked anew."""

    def __init__(self, cluster: Cluster, timeout_s: float) -> None:
        self._cluster = cluster
        self._limit_s = WAIT_S + timeout_s
        self._next: dict[Place, int] = {}
        self._led: dict[int, list[Place]] = {}
        self._paused: set[Place] = set()
        self._resting: set[Place] = set()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._beside: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Event()
        self._there = asyncio.Event()
        self._taken = asyncio.Event()
        self._found: defaultdict[TP, list[Read]] = defaultdict(list)
        self._bytes = 0
        self._failing: set[int] = set()
        self._error: BaseException | None = None
        self._closed = False

    def assign(self, starts: Mapping[TP, int]) -> None:
        """Read these partitions from these offsets on, and no others; nothing, once it is closed."""
        for node, task in self._tasks.items():
            task.cancel()
            self._cluster.hang_up(node)
        for task in self._beside:
            task.cancel()
        self._tasks.clear()
        self._take_all()
        self._paused.clear()
        self._resting.clear()
        self._next = {} if self._closed else {(tp.topic, tp.partition): offset for tp, offset in starts.items()}
        self._begin()

    def pause(self, tps: Iterable[TP]) -> None:
        """Read no more of these, until they are resumed."""
        self._paused.update((tp.topic, tp.partition) for tp in tps)

    def resume(self, tps: Iterable[TP]) -> None:
        """Go on with these where they were left."""
        self._paused.difference_update([(tp.topic, tp.partition) for tp in tps])
        self._begin()

    def offer(self, place: Place, batch: Batch, appended: Appended) -> None:
        """Take a batch of our own that stands in the log now, if it is what would be read next.

        It is what the broker would answer with. Where others have written meanwhile, it is left to the broker.
        """
        is_next = self._next.get(place) == appended.offset
        if is_next and place not in self._paused and place not in self._resting and self._bytes < FETCH_BYTES:
            records = batch.as_read(place, appended)
            self._next[place] += len(records)
            self._found[TP(*place)] += records
            self._bytes += batch.size_bytes
            self._there.set()

    async def read(self, timeout_s: float) -> Mapping[TP, list[Read]]:
        """Wait for records; return what is there of each partition, in order, or nothing after that time."""
        if not self._found and self._error is None:
            self._there.clear()
            try:
                async with asyncio.timeout(timeout_s):
                    await self._there.wait()
            except TimeoutError:
                return {}
        if self._error is not None:
            raise self._error
        return self._take_all()

    async def close(self) -> None:
        """Read nothing any more, and let go of the brokers."""
        self._closed = True
        self.assign({})
        await self._cluster.close()

    def _take_all(self) -> Mapping[TP, list[Read]]:
        found, self._found = self._found, defaultdict(list)
        self._bytes = 0
        self._taken.set()
        return found

    def _begin(self) -> None:
        """Have every broker asked that leads something."""
        led: defaultdict[int, list[Place]] = defaultdict(list)
        unknown: list[Place] = []
        for place in self._next.keys() - self._resting - self._paused:
            node = self._cluster.leader(place)
            if node is None:
                unknown.append(place)
            else:
                led[node].append(place)
        self._led = led
        self._rest(unknown, self._cluster.learn)
        for node in led.keys() - self._tasks.keys():
            self._tasks[node] = task = asyncio.get_running_loop().create_task(self._follow(node))
            task.add_done_callback(self._ended)
        self._changed.set()

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._error = error
            self._there.set()

    def _wanted(self, node: int) -> dict[Place, int]:
        out = self._paused | self._resting
        return {place: self._next[place] for place in self._led.get(node, ()) if place not in out}

    async def _follow(self, node: int) -> None:
        """Ask one broker for what it leads, again and again, until it is cancelled."""
        session, rest_s = Session(), BETWEEN_S
        while True:
            if self._bytes >= FETCH_BYTES:
                self._taken.clear()
                await self._taken.wait()
            offsets = self._wanted(node)
            if not offsets:
                self._changed.clear()
                await self._changed.wait()
                continue
            try:
                async with asyncio.timeout(self._limit_s):
                    answer = await self._cluster.fetch(node, session.request(offsets))
            except AWAY as error:
                self._tell_failing(node, error)
                self._cluster.hang_up(node)
                session = Session()
                self._rest(offsets, self._cluster.learn, RETRY_S)
                continue
            self._failing.discard(node)
            if answer.error:
                if answer.error not in NO_SUCH_SESSION:
                    log.warning("broker %s answers with %s", node, for_code(answer.error).__name__)
                    await asyncio.sleep(RETRY_S)
                session = Session()
                continue
            session.answered(answer)
            rest_s = rest_after(rest_s, is_news=self._take(answer))
            await asyncio.sleep(rest_s)

    def _tell_failing(self, node: int, error: Exception) -> None:
        if node not in self._failing:
            self._failing.add(node)
            log.warning("broker %s does not answer: %r", node, error)

    def _take(self, answer: FetchAnswer) -> bool:
        """Take what is new; False when nothing is."""
        is_news = False
        for place, fetched in answer.fetched.items():
            if fetched.error == OUT_OF_RANGE:
                self._rest([place], partial(self._start_over, place))
            elif fetched.error:
                log.warning("%s-%s can't be read: %s", *place, for_code(fetched.error).__name__)
                self._rest([place], self._cluster.learn, RETRY_S)
            elif fetched.content:
                is_news |= self._add(place, fetched.content)
        if is_news:
            self._there.set()
        return is_news

    def _add(self, place: Place, content: bytes) -> bool:
        """Take the records from where the last ones ended; False when there are none."""
        records: list[Read] = []
        try:
            for more, end in batches_in(place, content, self._next[place]):
                records += more
                self._next[place] = max(self._next[place], end)
        except CorruptRecordException as error:
            log.error("%s-%s can't be read: %r; reading again", *place, error)
            self._rest([place], self._cluster.learn, RETRY_S)
        if records:
            self._found[TP(*place)] += records
            self._bytes += len(content)
        return bool(records)

    def _rest(self, places: Iterable[Place], work: Callable[[], Awaitable[None]], pause_s: float = 0.0) -> None:
        """Let these wait, do that, and go on with them."""
        places = list(places)
        if places:
            self._resting.update(places)
            task = asyncio.get_running_loop().create_task(self._rested(places, work, pause_s))
            self._beside.add(task)
            task.add_done_callback(self._ended)

    async def _rested(self, places: list[Place], work: Callable[[], Awaitable[None]], pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        try:
            await work()
        except AWAY as error:
            log.debug("the brokers do not answer: %r", error)
        if any(self._cluster.leader(place) is None for place in places):
            await asyncio.sleep(RETRY_S)
        self._resting.difference_update(places)
        self._begin()

    async def _start_over(self, place: Place) -> None:
        """The log was cut: read on from where it begins now."""
        offset = await self._cluster.earliest(place)
        if place in self._next:
            log.warning("%s-%s has no offset %s any more: reading on at %s", *place, self._next[place], offset)
            self._next[place] = offset
