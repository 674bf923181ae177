"""Heals a changelog into which somebody else has written: a worker that was paused, and woke with rows in its hands.

An owner knows the offset that its next record must get: one above its last. If there is a gap, somebody else has
written. Recovery would still take the right row, the one with the highest version, but compaction keeps only the last
record of a key, and in time would drop that. So the rows that were overwritten are written again: the owner's own last.
Rows that recovery itself finds overwritten are written again when it is over. All this holds for the entries of queues,
too; those that are forgotten are deleted here.

Whoever was paused may have been further than its successor is now. Then its rows are the newer ones, and of several
that belong together (a reservation and the counters) one would be taken away and the other stay. So nothing is written
again before all is decided that stood in the topic when the foreign records were found.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from contextlib import aclosing
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from faust.types import TP

from app.delivery.held import Held
from app.delivery.lane import Lane
from app.delivery.sink import Slice
from app.delivery.table import RowTable

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 30.0
LOOK_AGAIN_S: Final = 0.5
"""While there is something to heal that must wait."""
READ_TIMEOUT_S: Final = 10.0


class Healer:
    """The changelog of one table; what it knows of each partition lives with its rows (`held.py`)."""

    def __init__(self, app: DeliveryApp, lane: Lane, table: RowTable) -> None:
        self._app = app
        self._lane = lane
        self._table = table
        self._ours: dict[int, Held] = {}
        self._wake = asyncio.Event()

    def begin(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on, read to their ends; no others are."""
        self._ours = {partition: self._table.held(partition) for partition in partitions}
        for held in self._ours.values():
            held.begin()
            if held.is_ill:
                self._wake.set()

    def acknowledged(self, partition: int, offset: int, count: int) -> None:
        """So many of our records stand from this offset on."""
        held = self._ours.get(partition)
        if held is not None and held.acknowledged(offset, count):
            self._wake.set()

    def delete(self, partition: int, forgotten: list[bytes]) -> None:
        """Delete these from the changelog, by their keys there: memory has forgotten them, for good."""
        if forgotten:
            self._ours[partition].forgotten += forgotten
            self._wake.set()

    async def run(self) -> None:
        """Heal what is found, until cancelled. Looks by itself at partitions that are never written to."""
        while True:
            wait_s = LOOK_AGAIN_S if any(held.is_ill for held in self._ours.values()) else LOOK_EVERY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            except TimeoutError:
                await self._look()
            self._wake.clear()
            await self._diagnose()
            await self._heal()

    async def _look(self) -> None:
        for partition, held in list(self._ours.items()):
            expected = held.read_to
            try:
                end = await self._app.ends.end(self._table.changelog_topic_name, partition)
            except KafkaException:
                return  # the broker is away: nobody writes
            still = self._app.drain.is_current() and held is self._ours.get(partition)
            if still and end > expected == held.read_to and self._app.sink.open == 0:
                held.passed_over(end)

    async def _diagnose(self) -> None:
        for partition, held in list(self._ours.items()):
            for foreign in list(held.foreign):
                keys = await self._keys(partition, *foreign)
                if keys is None:
                    continue  # not readable now
                try:
                    end = await self._app.ends.end(self._lane.topic, partition)
                except KafkaException:
                    continue
                held.foreign.remove(foreign)
                held.sick |= keys
                held.decided_to = end

    async def _keys(self, partition: int, first: int, end: int) -> set[bytes] | None:
        """The keys of the records from `first` to before `end`; None when the broker does not give them all now."""
        tp = TP(self._table.changelog_topic_name, partition)
        keys: set[bytes] = set()
        try:
            async with asyncio.timeout(READ_TIMEOUT_S):
                async with aclosing(self._app.changelogs.read({tp: first}, {tp: end})) as chunks:
                    async for chunk in chunks:
                        keys.update(it.key for it in chunk.get(tp, ()) if it.key is not None and it.offset < end)
        except (TimeoutError, KafkaException):
            return None
        return keys

    async def _heal(self) -> None:
        ill = {partition: held for partition, held in self._ours.items() if held.sick or held.forgotten}
        if not ill or not await self._app.drain.is_member():
            return  # it may be us who should not write; if it is not, the next look finds them sick still
        self._app.guard.check("before rows are written again")
        out = self._app.sink.begin(self._table.changelog_topic_name, self.acknowledged)
        for partition, held in ill.items():
            decided_to = self._lane.ranges.applied(partition)
            if held is not self._ours.get(partition) or decided_to is None or decided_to < held.decided_to:
                continue  # the group has agreed anew meanwhile, or our rows may be the older ones
            if held.sick:
                where = f"{self._table.changelog_topic_name}-{partition}"
                log.warning("%s: somebody else wrote %d rows: they are written again", where, len(held.sick))
                self._app.stats.healed += len(held.sick)
            for key in (*held.sick, *held.forgotten):
                self._write(out, partition, key)
            held.healed()
        await out.done()

    def _write(self, out: Slice, partition: int, key: bytes) -> None:
        """Write what memory has under this changelog key: what it has not is deleted."""
        changelog, value = self._table.changelog_topic_name, self._table.encoded(partition, key)
        out.send(changelog, key, value, partition=partition)
