"""Where slices go: one future a slice, and an outage is waited for as long as this worker is a member of its group.

What waits for longer than a part of the session could reach the log behind a new owner's records, when a process is
stopped and woken or a network heals. So it is sent only once the group has confirmed that this worker still is one of
its members.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from app.delivery.cluster import Cluster
from app.delivery.contract import DeliveryFailed, Headers
from app.delivery.sender import OnAppended, Sender
from app.delivery.stats import Stats

OnOffset: TypeAlias = Callable[[int, int], None]
"""Is told the partition and the offset of a record, once it is acknowledged."""


class Slice:
    """The records that one slice of messages caused; `done` closes it."""

    __slots__ = ("_acknowledged", "_error", "_open", "_sink")

    def __init__(self, sink: "Sink") -> None:
        self._sink = sink
        self._open = 1  # the slice itself, until `done`
        self._error: str | None = None
        self._acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        *,
        partition: int = -1,
        headers: Headers = (),
        on_offset: OnOffset | None = None,
    ) -> None:
        """Queue one record; with no `partition` it follows from the key."""
        self._open += 1
        place = topic, self._sink.partition_of(topic, key) if partition < 0 else partition
        told = self._close_one if on_offset is None else partial(self._stands, on_offset, place[1])
        self._sink.sender.send(place, key, value, told, headers)

    def done(self) -> asyncio.Future[None]:
        """Close the slice: the future ends when every record is acknowledged, or raises `DeliveryFailed`."""
        self._close_one(None)
        return self._acknowledged

    def _stands(self, on_offset: OnOffset, partition: int, error: str | None, offset: int, _time_ms: int) -> None:
        if error is None:
            on_offset(partition, offset)
        self._close_one(error)

    def _close_one(self, error: str | None, _offset: int = 0, _time_ms: int = 0) -> None:
        """One record is acknowledged, or will never be."""
        self._error = self._error or error
        self._open -= 1
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
    ) -> None:
        self.open = 0
        self.partition_of = partition_of
        self.sender = Sender(cluster, fresh_s, self._still_ours, on_appended)
        self._stats = stats
        self._is_member = is_member
        self._timeout_s = timeout_s

    @property
    def holding(self) -> bool:
        """Whether all waits for the broker to be back, and for its word that this worker is still a member."""
        return self.sender.asking

    def begin(self) -> Slice:
        """Open a slice. It must come to `done`."""
        self.open += 1
        return Slice(self)

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
