"""A follower: a topic whose slices go to a coroutine with idempotent outside effects."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from app.delivery.contract import ConsumerRecord
from app.delivery.lane import Piece

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0
GATHER_TIMES = 4
"""It waits so many times as long as the last slice took to apply, so that it is busy a fifth of the time."""
GATHER_MOST_S = 1.0
LEAVE_GRACE_S = 0.3
"""How much longer a slice may take whose partitions are leaving: a database that hangs must not hold them up."""


class Behind(NamedTuple):
    """How many records are fetched and not applied yet, and how long ago the oldest of them came into the log.

    More may lie at the broker when there are very many; the age counts those, too.
    """

    records: int
    age_s: float


class Follower:
    """Hands slices to `apply`; acknowledged when it returned, tried again on `retry_on`.

    `gather_s` is how long it waits for a slice to grow, up to `slice_size` records; longer, up to `GATHER_MOST_S`,
    when it is busy: the more a slice holds, the fewer writes a key costs. As many records again may wait in memory
    meanwhile. Any other exception stops the worker.
    A slice that is tried again while its partitions leave is left to their next owner.
    """

    def __init__(
        self,
        app: "DeliveryApp",
        topic: str,
        apply: Callable[[Sequence[ConsumerRecord]], Awaitable[None]],
        *,
        retry_on: tuple[type[BaseException], ...],
        slice_size: int = 10_000,
        gather_s: float = 0.1,
    ) -> None:
        self._app = app
        self._lane = app.lane(topic, slice_size)
        app.followers[topic] = self
        self._apply = apply
        self._retry_on = retry_on
        self._slice_size = slice_size
        self._gather_s = gather_s
        self._in_hand: Sequence[Piece] = ()
        self._leaving = asyncio.Event()
        self._lane.on_leave.append(self._leaving.set)

    async def run(self, stream: Any) -> None:
        """Take slices until the worker stops: the body of the topic's Faust agent."""
        await stream.maybe_start()
        with self._lane.attended(lambda: self._app.should_stop):
            await self._follow()

    async def _follow(self) -> None:
        gather_s = self._gather_s
        async with self._app.stops_on_failure(f"the follower of {self._lane.topic}"):
            while True:
                await self._lane.inbox.gather(self._slice_size, gather_s)
                pieces = await self._app.drain.take(self._lane, self._slice_size)
                if not pieces:
                    continue
                self._leaving.clear()
                self._in_hand = pieces
                began_ns = time.time_ns()
                records = [record for piece in pieces for record in piece.records]
                if await self._apply_until_done(records):
                    self._lane.mark_safe(pieces)
                    if self._app.tracing is not None:
                        self._app.tracing.followed(records, began_ns)
                else:
                    for piece in pieces:
                        piece.range.given_up = True
                self._in_hand = ()
                took_s = (time.time_ns() - began_ns) / 1e9
                gather_s = max(self._gather_s, min(GATHER_TIMES * took_s, GATHER_MOST_S))

    def behind(self) -> Behind:
        """Tell how far this worker is behind the log, by the broker's time and this machine's clock."""
        in_hand = [(piece.records[0].timestamp, len(piece.records)) for piece in self._in_hand]
        waiting = [(batch.records[0].timestamp, len(batch.records)) for batch in self._lane.inbox]
        oldest_ms = min((at for at, _ in in_hand + waiting), default=None)
        age_s = 0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000)
        return Behind(sum(size for _, size in in_hand + waiting), age_s)

    async def _apply_until_done(self, records: Sequence[ConsumerRecord]) -> bool:
        wait_s = RETRY_FIRST_S
        while not self._leaving.is_set():
            try:
                return await self._applied(records)
            except self._retry_on as exc:
                log.warning("%s: %r; trying again in %.1f s", self._lane.topic, exc, wait_s)
            try:
                async with asyncio.timeout(wait_s):
                    await self._leaving.wait()
            except TimeoutError:
                wait_s = min(2 * wait_s, RETRY_MOST_S)
        return False

    async def _applied(self, records: Sequence[ConsumerRecord]) -> bool:
        """Apply once; `False` if it was still at it when the partitions had to leave. Raises what `apply` does."""
        applying = asyncio.ensure_future(self._apply(records))
        leaving = asyncio.ensure_future(self._leaving.wait())
        try:
            await asyncio.wait({applying, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not applying.done():
                await asyncio.wait({applying}, timeout=LEAVE_GRACE_S)
            if applying.done():
                applying.result()
                return True
            return False
        finally:
            applying.cancel()
            leaving.cancel()
