"""Where slices go: one future a slice, and an outage is waited for as long as this worker is a member of its group.

What waits for longer than a part of the session could reach the log behind a new owner's records, when a process is
stopped and woken or a network heals. So it is sent only once the group has confirmed that this worker still is one of
its members.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from app.delivery.batch import Record
from app.delivery.cluster import Cluster
from app.delivery.contract import DeliveryFailed, Headers
from app.delivery.produce import Place
from app.delivery.sender import OnAppended, Sender
from app.delivery.stats import Stats

OnOffset: TypeAlias = Callable[[int, int, int], None]
"""Is told of records that are acknowledged: their partition, the first's offset, and how many follow each other."""


class Slice:
    """The records that one slice of messages caused, gathered by partition; `done` sends them.

    Of each partition all go at once, and one word comes back: it is asked for some thirty records an order.
    """

    __slots__ = ("_acknowledged", "_changelog", "_error", "_on_offset", "_open", "_records", "_sink")

    def __init__(self, sink: "Sink", changelog: str, on_offset: OnOffset | None) -> None:
        self._sink = sink
        self._changelog = changelog
        self._on_offset = on_offset
        self._records: defaultdict[Place, list[Record]] = defaultdict(list)
        self._open = 0
        self._error: str | None = None
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(self, topic: str, key: bytes, value: bytes | None, *, partition: int = -1, headers: Headers = ()) -> None:
        """Add one record; with no `partition` it follows from the key."""
        place = topic, self._sink.partition_of(topic, key) if partition < 0 else partition
        self._records[place].append((key, value, headers))

    def done(self) -> asyncio.Future[None]:
        """Send it all: the future ends when every record is acknowledged, or raises `DeliveryFailed`."""
        self._open = sum(map(len, self._records.values()))
        for place, records in self._records.items():
            told = self._close if place[0] != self._changelog else partial(self._stand, place[1])
            self._sink.sender.send(place, records, told)
        if not self._records:
            self._close(None, -1, -1, 0)
        return self._acknowledged

    def _stand(self, partition: int, error: str | None, offset: int, time_ms: int, count: int) -> None:
        if error is None and self._on_offset is not None:
            self._on_offset(partition, offset, count)
        self._close(error, offset, time_ms, count)

    def _close(self, error: str | None, _offset: int, _time_ms: int, count: int) -> None:
        """So many records are acknowledged, or never will be.

        Then nothing more is sent, and the worker stops: what waits behind was decided on rows that the log will never
        have. A sum would be there without what it is made of, and whoever recovers it would take that for applied.
        """
        if error is not None and self._error is None:
            self._error = error
            self._sink.sender.refuse(error)
        self._open -= count
        if self._open:
            return
        self._sink.open -= 1
        if self._acknowledged.done():
            return
        if self._error is None:
            self._acknowledged.set_result(None)
        else:
            self._acknowledged.set_exception(DeliveryFailed(self._error))


class Sink:
    """One sender for all slices of a worker; `open` is how many of them are not acknowledged.

    What waits for longer than `fresh_s` is sent if `is_member`, which waits for the broker, says that this worker may
    still write; `timeout_s` is how long an outage may last before the slices fail. Needs a running loop.
    """

    def __init__(
        self,
        cluster: Cluster,
        fresh_s: float,
        partition_of: Callable[[str, bytes], int],
        stats: Stats,
        is_member: Callable[[], Awaitable[bool]],
        timeout_s: float,
        on_appended: OnAppended,
        before_request: Callable[[], None] = lambda: None,
    ) -> None:
        self.open = 0
        self.partition_of = partition_of
        self.sender = Sender(cluster, fresh_s, self._still_ours, on_appended, before_request)
        self._stats = stats
        self._is_member = is_member
        self._timeout_s = timeout_s

    @property
    def holding(self) -> bool:
        """Whether all waits for the broker to be back, and for its word that this worker is still a member."""
        return self.sender.asking

    def begin(self, changelog: str = "", on_offset: OnOffset | None = None) -> Slice:
        """Open a slice. It must come to `done`. `on_offset` is told where its records of the `changelog` stand."""
        self.open += 1
        return Slice(self, changelog, on_offset)

    def purge(self) -> None:
        """Take back all that is not acknowledged: those slices fail, and so does every later one."""
        self._stats.purges += 1
        self.sender.refuse("purged")

    async def close(self) -> None:
        """Let go of the brokers."""
        await self.sender.close()

    async def _still_ours(self, waited_s: float) -> str | None:
        """Wait until the broker is back; say why what has waited for so long must not be sent, if so."""
        try:
            async with asyncio.timeout(self._timeout_s - waited_s):
                member = await self._is_member()
        except TimeoutError:
            return f"the broker was away for more than {self._timeout_s:.0f} s"
        if not member:
            return "the group went on without this worker while the broker was away"
        self._stats.resends += len(self.sender)
        return None
