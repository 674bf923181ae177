"""Rows that are over leave: their key is deleted from memory and from the changelog.

A row tells that a message was decided before. So it may leave only when no message to its key is read again: not when
the last one that *changed* it is committed, but when the last one that was *looked at* is, also one that changed
nothing. Instead of remembering that of every key for ever, rows are noted first, and the end of their partition is
asked for after that. Once the commit is past this end, all that was decided before is safe; and a row that a decision
looks up meanwhile is no longer on its way out.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from faust.types import TP

from app.delivery.contract import Effects, Row, Rows, Send
from app.delivery.draft import Draft
from app.delivery.lane import Lane
from app.delivery.sink import OnOffset
from app.delivery.table import RowTable
from app.delivery.timers import now_ms

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

COMMIT_TIMEOUT_S: Final = 10.0
COMMIT_POLL_S: Final = 0.1
LOOKED_AT_ONCE: Final = 1_000
FORGOTTEN_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Retention:
    """When rows of a table leave. Everything but `kept` is pure.

    `leaves_at_ms` says when, in milliseconds since 1970; None for a row that stays. Rows are looked at every
    `look_every_s`. `farewell` is sent, and safe, before its row leaves. Only rows that `kept` returns leave: it may ask
    whether somebody else has them. `message_key` is the key that the messages to a row have.
    """

    leaves_at_ms: Callable[[Row], int | None]
    look_every_s: float
    farewell: Callable[[Row], Sequence[Send]] = lambda _: ()
    kept: Callable[[Mapping[str, Row]], Awaitable[Mapping[str, Row]]] | None = None
    message_key: Callable[[str], str] = lambda key: key


class Leaving:
    """The rows that are on their way out, as they were when they were noted."""

    def __init__(self) -> None:
        self._noted: dict[str, Row] = {}

    def __len__(self) -> int:
        return len(self._noted)

    def note(self, key: str, row: Row) -> None:
        """This row is over."""
        self._noted[key] = row

    def looked_up(self, key: str) -> None:
        """A message concerns this row: it stays."""
        self._noted.pop(key, None)

    def clear(self) -> None:
        """No row leaves."""
        self._noted.clear()

    @property
    def keys(self) -> list[str]:
        """Of all of them."""
        return list(self._noted)

    def still(self, rows: Rows, keys: Iterable[str]) -> dict[str, Row]:
        """Those of `keys` that no message has concerned since they were noted, and that nothing else has changed."""
        noted = ((key, self._noted.get(key)) for key in keys)
        return {key: row for key, row in noted if row is not None and rows.get(key) is row}

    def watch(self, rows: Rows) -> Rows:
        """The rows for a decision, by which it is seen which of them it looks up."""
        return Watched(rows, self) if self._noted else rows


class Watched(Mapping[str, Row]):
    """Rows whose every look-up is told to `Leaving`."""

    def __init__(self, rows: Rows, leaving: Leaving) -> None:
        self._rows = rows
        self._leaving = leaving

    def __getitem__(self, key: str) -> Row:
        self._leaving.looked_up(key)
        return self._rows[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


class Forgetter:
    """Has the rows of one participant leave, partition by partition, while they are ours."""

    def __init__(
        self, app: DeliveryApp, lane: Lane, table: RowTable, retention: Retention, on_offset: OnOffset
    ) -> None:
        self.leaving = Leaving()
        self._app = app
        self._lane = lane
        self._table = table
        self._retention = retention
        self._on_offset = on_offset

    async def run(self) -> None:
        """Look at all rows every so often, until cancelled."""
        while True:
            await asyncio.sleep(self._retention.look_every_s)
            for partition in sorted(self._lane.ranges.partitions):
                await self._look(partition, self._lane.generation)
                self.leaving.clear()

    async def _look(self, partition: int, generation: int | None) -> None:
        """Note the rows of a partition that are over; let those go that may."""
        await self._note(partition, generation)
        if not self.leaving:
            return
        try:
            end = await self._app.ends.end(self._lane.topic, partition)
        except KafkaException:
            return
        if not await self._is_committed(partition, end, generation):
            return
        keys = self.leaving.keys
        for first in range(0, len(keys), FORGOTTEN_AT_ONCE):
            await self._let_go(partition, keys[first : first + FORGOTTEN_AT_ONCE], generation)

    async def _note(self, partition: int, generation: int | None) -> None:
        rows, now = self._table.rows_of(partition), now_ms()
        keys = list(rows)
        for first in range(0, len(keys), LOOKED_AT_ONCE):
            if not self._is_ours(generation):
                return self.leaving.clear()
            for key in keys[first : first + LOOKED_AT_ONCE]:
                row = rows.get(key)
                if row is not None and self._is_over(partition, key, row, now):
                    self.leaving.note(key, row)
            await asyncio.sleep(0)  # others get their turn
        return None

    def _is_over(self, partition: int, key: str, row: Row, now: int) -> bool:
        leaves_at_ms = self._retention.leaves_at_ms(row)
        if leaves_at_ms is None or leaves_at_ms > now:
            return False
        queue = self._table.queues_of(partition).get(self._retention.message_key(key).encode())
        return queue is None or queue.head() is None

    def _is_ours(self, generation: int | None) -> bool:
        return self._lane.generation == generation is not None and self._app.drain.is_current()

    async def _is_committed(self, partition: int, end: int, generation: int | None) -> bool:
        """Wait a while until all before `end` is committed; what holds the commit back may take hours."""
        deadline = asyncio.get_running_loop().time() + COMMIT_TIMEOUT_S
        while self._is_ours(generation) and asyncio.get_running_loop().time() < deadline:
            if self._app.drain.committed(TP(self._lane.topic, partition)) >= end:
                return True
            await asyncio.sleep(COMMIT_POLL_S)
        return False

    async def _let_go(self, partition: int, keys: Sequence[str], generation: int | None) -> None:
        going: Mapping[str, Row] = self.leaving.still(self._table.rows_of(partition), keys)
        if self._retention.kept is not None:
            going = await self._retention.kept(going)
        farewell = [send for row in going.values() for send in self._retention.farewell(row)]
        if farewell and self._is_ours(generation):
            self._app.guard.check("before a farewell")
            out = self._app.sink.begin()
            for send in farewell:
                out.send(send.topic, send.key, send.value, headers=send.headers)
            await out.done()
        if not self._is_ours(generation):
            return
        # From here to the send nothing is awaited: no message comes between.
        self._app.guard.check("before rows are forgotten")
        draft, now = Draft(self._table, self._on_offset), now_ms()
        for key, row in self.leaving.still(self._table.rows_of(partition), going).items():
            if self._is_over(partition, key, row, now):
                draft.add(partition, Effects(((key, None),)))
        self._app.stats.forgotten += len(draft.written)
        await draft.send(self._app.sink)
