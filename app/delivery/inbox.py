"""The bounded queue between the consumer's loop and an agent: whole fetches in, slices out."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from faust.types import TP

from app.delivery.contract import ConsumerRecord


class Batch(NamedTuple):
    """Records of one partition, in order, as fetched in one generation of the group."""

    tp: TP
    generation: int
    records: Sequence[ConsumerRecord]

    @property
    def came_s(self) -> float:
        """When its oldest record came into the log, in seconds since 1970, by the log's clock."""
        return self.records[0].timestamp / 1000


class Inbox:
    """Holds fetched records until the agent takes them.

    The bound is kept by whoever fills it: above `high` records it stops fetching, and goes on at `low`.
    """

    def __init__(self, high: int, low: int) -> None:
        self.high = high
        self.low = low
        self.size = 0
        self.paused: set[TP] = set()
        self._batches: deque[Batch] = deque()
        self._filled = asyncio.Event()

    def __iter__(self) -> Iterator[Batch]:
        """What waits, oldest first."""
        return iter(self._batches)

    def put(self, batch: Batch) -> None:
        """Add a batch that is not empty."""
        self._batches.append(batch)
        self.size += len(batch.records)
        self._filled.set()

    def clear(self) -> int:
        """Drop all that is queued, and return how many records that were."""
        dropped = self.size
        self._batches.clear()
        self.size = 0
        self.paused.clear()
        self._filled.clear()
        return dropped

    async def gather(self, enough: int, longest_s: float) -> None:
        """Wait for a record, and then until `enough` are there or `longest_s` has passed."""
        while not self._batches:
            self._filled.clear()
            await self._filled.wait()
        deadline = asyncio.get_running_loop().time() + longest_s
        while self.size < enough and (left_s := deadline - asyncio.get_running_loop().time()) > 0:
            self._filled.clear()
            try:
                async with asyncio.timeout(left_s):
                    await self._filled.wait()
            except TimeoutError:
                return

    async def take(self, limit: int) -> list[Batch]:
        """Wait for records, and take at most `limit` of them, oldest first."""
        while not self._batches:
            self._filled.clear()
            await self._filled.wait()
        taken: list[Batch] = []
        room = limit
        while self._batches and room:
            batch = self._batches.popleft()
            if len(batch.records) > room:
                self._batches.appendleft(batch._replace(records=batch.records[room:]))
                batch = batch._replace(records=batch.records[:room])
            taken.append(batch)
            room -= len(batch.records)
        self.size -= limit - room
        return taken
