"""A follower: a topic whose slices go to a coroutine with idempotent outside effects."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from app.delivery.contract import ConsumerRecord

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

RETRY_FIRST_S = 0.1
RETRY_MOST_S = 5.0


class Follower:
    """Hands slices to `apply`; acknowledged when it returned, tried again on `retry_on`.

    `gather_s` is how long it waits for a slice to grow, up to `slice_size` records. Any other exception
    stops the worker. A slice that is tried again while its partitions leave is left to their next owner.
    """

    def __init__(
        self,
        app: "DeliveryApp",
        topic: str,
        apply: Callable[[Sequence[ConsumerRecord]], Awaitable[None]],
        *,
        retry_on: tuple[type[BaseException], ...],
        slice_size: int = 2000,
        gather_s: float = 0.1,
    ) -> None:
        self._app = app
        self._lane = app.lane(topic)
        self._apply = apply
        self._retry_on = retry_on
        self._slice_size = slice_size
        self._gather_s = gather_s
        self._leaving = asyncio.Event()
        self._lane.on_leave.append(self._leaving.set)

    async def run(self, stream: Any) -> None:
        """Take slices until the worker stops: the body of the topic's Faust agent."""
        await stream.maybe_start()
        async with self._app.stops_on_failure(f"the follower of {self._lane.topic}"):
            while True:
                await self._lane.inbox.gather(self._slice_size, self._gather_s)
                pieces = await self._app.drain.take(self._lane, self._slice_size)
                if not pieces:
                    continue
                self._leaving.clear()
                if await self._apply_until_done([record for piece in pieces for record in piece.records]):
                    self._lane.mark_safe(pieces)
                else:
                    for piece in pieces:
                        piece.range.given_up = True

    async def _apply_until_done(self, records: Sequence[ConsumerRecord]) -> bool:
        wait_s = RETRY_FIRST_S
        while not self._leaving.is_set():
            try:
                await self._apply(records)
            except self._retry_on as exc:
                log.warning("%s: %r; trying again in %.1f s", self._lane.topic, exc, wait_s)
            else:
                return True
            try:
                async with asyncio.timeout(wait_s):
                    await self._leaving.wait()
            except TimeoutError:
                wait_s = min(2 * wait_s, RETRY_MOST_S)
        return False
