"""Keeps the time for the rows of one participant: only its own partitions', anew after each rebalance.

What is due when follows from the row alone and from when this worker last saw it change, so nothing is stored: a worker
that takes a partition over looks at every row of it once. A timer never writes a row. It sends messages, and the
participant decides: two workers that both believe they hold a partition send a double, which does no harm.
"""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final, Protocol

from app.delivery.contract import Row, Send
from app.delivery.table import RowTable

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

TICK_S: Final = 0.25
SET_BACK_MS: Final = 1_000
"""A clock that goes back by more was set: then the rows' times are reckoned from now, and not from what it said."""


class Clock(Protocol):
    """What rows wait for. Pure; times are milliseconds since 1970.

    `since_ms` is when the row was last written, recovered or rung for, `rung` how often its time has come since the
    first two.
    """

    def due_at_ms(self, row: Row, since_ms: int, rung: int) -> int | None:
        """When the row's time comes; None when it waits for nothing."""

    def ring(self, row: Row, since_ms: int, rung: int, now_ms: int) -> Sequence[Send]:
        """What to send now that it has come."""


@dataclass(slots=True)
class _Watched:
    partition: int
    since_ms: int
    rung: int
    queued_ms: int


def now_ms() -> int:
    """The machine's clock."""
    return int(time.time() * 1000)


class Timers:
    """The rows that wait, the next one first. One entry a key, however often its row is written.

    What a row waits for is found out when the time is next looked at: by then most of a busy worker's have been written
    again, or wait for nothing any more.
    """

    def __init__(self, table: RowTable, clock: Clock, now: Callable[[], int] = now_ms) -> None:
        self._table = table
        self._clock = clock
        self._now = now
        self._latest_ms = 0
        self._written: dict[tuple[int, str], int] = {}
        self._watched: dict[str, _Watched] = {}
        self._queue: list[tuple[int, int, str]] = []
        self._order = count()

    def begin(self, partitions: Iterable[int]) -> None:
        """These partitions are ours from now on, and no others: look at all their rows."""
        self.leave()
        for partition in partitions:
            self.written((partition, key) for key in self._table.rows_of(partition))

    def leave(self) -> None:
        """No partition is ours any more."""
        self._written.clear()
        self._watched.clear()
        self._queue.clear()

    def written(self, rows: Iterable[tuple[int, str]]) -> None:
        """These rows, each a partition and a key, were written."""
        self._written.update(dict.fromkeys(rows, self._now()))

    def _watch(self, fresh: _Watched, key: str) -> None:
        row = self._table.rows_of(fresh.partition).get(key)
        at = None if row is None else self._clock.due_at_ms(row, fresh.since_ms, fresh.rung)
        if at is None:
            self._watched.pop(key, None)
            return
        before = self._watched.get(key)
        if before is not None and self._now() < before.queued_ms <= at:
            fresh.queued_ms = before.queued_ms  # it stands in the queue already, and is looked at again then
        else:
            fresh.queued_ms = at
            heapq.heappush(self._queue, (at, next(self._order), key))
        self._watched[key] = fresh

    def due(self) -> list[Send]:
        """What is to be sent now; each row whose time had come is set for its next."""
        now = self._now()
        if now < self._latest_ms - SET_BACK_MS:
            self._begin_anew()
        self._latest_ms = now
        written, self._written = self._written, {}
        for (partition, key), since_ms in written.items():
            self._watch(_Watched(partition, since_ms, 0, 0), key)
        sends: list[Send] = []
        while self._queue and self._queue[0][0] <= now:
            queued_ms, _, key = heapq.heappop(self._queue)
            watched = self._watched.get(key)
            if watched is None or watched.queued_ms != queued_ms:
                continue  # written since, and queued anew
            row = self._table.rows_of(watched.partition).get(key)
            at = None if row is None else self._clock.due_at_ms(row, watched.since_ms, watched.rung)
            if at is not None and at <= now:
                sends += self._clock.ring(row, watched.since_ms, watched.rung, now)
                watched.since_ms, watched.rung = now, watched.rung + 1
            watched.queued_ms = 0
            self._watch(watched, key)
        return sends

    def _begin_anew(self) -> None:
        rows = [*self._written, *((watched.partition, key) for key, watched in self._watched.items())]
        self.leave()
        self.written(rows)

    async def run(self, app: DeliveryApp) -> None:
        """Send what is due, until cancelled."""
        while True:
            await asyncio.sleep(TICK_S)
            if not app.drain.is_current():
                continue
            sends = self.due()
            if sends:
                app.guard.check("before a timer's send")
                out = app.sink.begin()
                for send in sends:
                    out.send(send.topic, send.key, send.value, headers=send.headers)
                app.stats.timers_rung += len(sends)
                await out.done()
