"""Heals a changelog into which somebody else has written: a worker that was paused, and woke with rows in its hands.

An owner knows the offset that its next record must get: one above its last. If there is a gap, somebody else has
written. Recovery would still take the right row, the one with the highest version, but compaction keeps only the last
record of a key, and in time would drop that. So the rows that were overwritten are written again: the owner's own last.
Rows that recovery itself finds overwritten are written again when it is over. All this holds for the entries of queues,
too; those that are forgotten are deleted here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, cast

from confluent_kafka import Consumer, KafkaException, TopicPartition
from faust.types import TP

from app.delivery.recovery import DrainTableManager
from app.delivery.sink import Slice
from app.delivery.table import RowTable

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 30.0
READ_TIMEOUT_S: Final = 10.0


class Healer:
    """The changelog of one table, in one generation of the consumer group."""

    def __init__(self, app: DeliveryApp, table: RowTable) -> None:
        self._app = app
        self._table = table
        self._next: dict[int, int] = {}
        self._sick: dict[int, set[bytes]] = {}
        self._forgotten: dict[int, list[bytes]] = {}
        self._foreign: list[tuple[int, int, int]] = []
        self._wake = asyncio.Event()

    def begin(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on, read to their ends; no others are."""
        self.leave()
        read = cast(DrainTableManager, self._app.tables).recovery.active_offsets
        for partition in partitions:
            last = read.get(TP(self._table.changelog_topic_name, partition))
            if last is not None:
                self._next[partition] = last + 1
            stale = self._table.take_stale(partition)
            if stale:
                self._mark(partition, stale)

    def leave(self) -> None:
        """No partition is ours any more."""
        self._next.clear()
        self._sick.clear()
        self._forgotten.clear()
        self._foreign.clear()

    def acknowledged(self, partition: int, offset: int) -> None:
        """Our record stands at this offset."""
        expected = self._next.get(partition)
        if expected is not None and offset > expected:
            self._foreign.append((partition, expected, offset))
            self._wake.set()
        self._next[partition] = offset + 1

    def delete(self, partition: int, forgotten: list[bytes]) -> None:
        """Delete these from the changelog, by their keys there: memory has forgotten them, for good."""
        if forgotten:
            self._forgotten[partition] = forgotten
            self._wake.set()

    def _mark(self, partition: int, keys: Iterable[bytes]) -> None:
        self._sick.setdefault(partition, set()).update(keys)
        self._wake.set()

    async def run(self) -> None:
        """Heal what is found, until cancelled. Looks by itself at partitions that are never written to."""
        while True:
            try:
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            except TimeoutError:
                await self._look()
            self._wake.clear()
            await self._diagnose()
            await self._heal()

    async def _look(self) -> None:
        for partition, expected in list(self._next.items()):
            try:
                end = await self._app.ends.end(self._table.changelog_topic_name, partition)
            except KafkaException:
                return  # the broker is away: nobody writes
            if end > expected == self._next.get(partition) and self._app.sink.open == 0:
                self._foreign.append((partition, expected, end))
                self._next[partition] = end

    async def _diagnose(self) -> None:
        for foreign in list(self._foreign):
            keys = await asyncio.to_thread(self._keys, *foreign)
            if keys is not None and foreign in self._foreign:  # else not readable now, or the partition has left
                self._foreign.remove(foreign)
                self._mark(foreign[0], keys)

    def _keys(self, partition: int, first: int, end: int) -> set[bytes] | None:
        """The keys of the records from `first` to before `end`; None when the broker does not give them all now."""
        clients = {**self._app.security.clients(), "bootstrap.servers": self._app.bootstrap}
        reader = Consumer({**clients, "group.id": "healer", "enable.auto.commit": False})
        try:
            reader.assign([TopicPartition(self._table.changelog_topic_name, partition, first)])
            keys: set[bytes] = set()
            while (message := reader.poll(READ_TIMEOUT_S)) is not None:
                offset, key = message.offset() or 0, message.key()
                if message.error() is not None:
                    return None
                if offset < end and isinstance(key, bytes):
                    keys.add(key)
                if offset >= end - 1:
                    return keys
            return None
        finally:
            reader.close()

    async def _heal(self) -> None:
        if not (self._sick or self._forgotten) or not await self._app.drain.is_member():
            return  # it may be us who should not write; if it is not, the next look finds them sick still
        sick, self._sick = self._sick, {}
        forgotten, self._forgotten = self._forgotten, {}
        self._app.guard.check("before rows are written again")
        out = self._app.sink.begin()
        for partition, keys in sick.items():
            changelog = self._table.changelog_topic_name
            log.warning("%s-%d: somebody else wrote %d rows: they are written again", changelog, partition, len(keys))
            self._write(out, partition, keys)
            self._app.stats.healed += len(keys)
        for partition, gone in forgotten.items():
            self._write(out, partition, gone)
        await out.done()

    def _write(self, out: Slice, partition: int, keys: Iterable[bytes]) -> None:
        """Write what memory has under these changelog keys: what it has not is deleted."""
        for key in keys:
            out.send(
                self._table.changelog_topic_name,
                key,
                self._table.encoded(partition, key),
                partition=partition,
                on_offset=self.acknowledged,
            )
