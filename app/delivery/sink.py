"""Where slices go: librdkafka behind one future a slice, in order even when the broker is away.

Measured against aiokafka's producer librdkafka costs a quarter of the CPU a record. It gives a record up after
less than a session: bytes that lie longer in its buffers could reach the log behind a new owner's, when a
process is stopped and woken or a network heals. So an outage is waited for here: what it gave up is held, in
order, and sent again once the group has confirmed that this worker is still a member.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

from confluent_kafka import KafkaError, Message
from msgspec import Struct

from app.delivery.contract import DeliveryFailed, Headers
from app.delivery.polled import PolledProducer
from app.delivery.stats import Stats

log = logging.getLogger(__name__)

#: What librdkafka says of a record that it gave up, or that we took back to keep the order.
GIVEN_UP = frozenset({KafkaError._MSG_TIMED_OUT, KafkaError._PURGE_QUEUE})


OnOffset: TypeAlias = Callable[[int, int], None]
"""Is told the partition and the offset of a record, once it is acknowledged."""


class Parcel(Struct, frozen=True):
    """A record on its way. `number` orders all records of the worker."""

    number: int
    slice: "Slice"
    topic: str
    key: bytes
    value: bytes | None
    partition: int
    headers: Headers
    on_offset: OnOffset | None


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
        self._sink.send(self, topic, key, value, partition, headers, on_offset)

    def done(self) -> asyncio.Future[None]:
        """Close the slice: the future ends when every record is acknowledged, or raises `DeliveryFailed`."""
        self.close_one(None)
        self._sink.poll()
        return self._acknowledged

    def close_one(self, error: str | None) -> None:
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
    """One producer for all slices of a worker; `open` is how many of them are not acknowledged.

    `is_member` waits for the broker and tells whether this worker may still write; `timeout_s` is how long
    an outage may last before the held slices fail.
    """

    def __init__(
        self,
        producer: PolledProducer,
        stats: Stats,
        is_member: Callable[[], Awaitable[bool]],
        timeout_s: float,
    ) -> None:
        self.open = 0
        self._producer = producer
        self._stats = stats
        self._is_member = is_member
        self._timeout_s = timeout_s
        self._numbers = 0
        self._under_way = 0
        self._held: list[Parcel] = []
        self._resending: asyncio.Task[None] | None = None
        self._purged = False

    @property
    def holding(self) -> bool:
        """Whether anything waits for the broker to be back, and for its word that this worker is still a member."""
        return bool(self._held) or self._resending is not None

    def begin(self) -> Slice:
        """Open a slice. It must come to `done`."""
        self.open += 1
        return Slice(self)

    def send(
        self,
        of: Slice,
        topic: str,
        key: bytes,
        value: bytes | None,
        partition: int,
        headers: Headers,
        on_offset: OnOffset | None,
    ) -> None:
        """Queue a record of a slice, behind those that wait for the broker."""
        self._numbers += 1
        parcel = Parcel(self._numbers, of, topic, key, value, partition, headers, on_offset)
        if self._held:
            self._held.append(parcel)
        else:
            self._produce(parcel)

    def poll(self) -> None:
        """See `PolledProducer.poll`."""
        self._producer.poll()

    def purge(self) -> None:
        """Take back all that is not acknowledged: those slices fail, and so does every later one."""
        self._stats.purges += 1
        self._purged = True
        self._fail_held("purged")
        self._producer.purge(in_flight=True)

    def _produce(self, parcel: Parcel) -> None:
        self._under_way += 1
        self._producer.send(
            parcel.topic,
            parcel.key,
            parcel.value,
            partial(self._reported, parcel),
            parcel.partition,
            parcel.headers,
        )

    def _reported(self, parcel: Parcel, error: KafkaError | None, message: Message) -> None:
        self._under_way -= 1
        if error is None:
            if parcel.on_offset is not None:
                parcel.on_offset(parcel.partition, message.offset() or 0)
            parcel.slice.close_one(None)
        elif self._purged or error.code() not in GIVEN_UP:
            parcel.slice.close_one(error.str())
        else:
            self._hold(parcel)
        if self._held and self._under_way == 0 and self._resending is None:
            self._resending = asyncio.get_running_loop().create_task(self._resend())

    def _hold(self, parcel: Parcel) -> None:
        first = not self._held
        self._held.append(parcel)
        if first:
            log.warning("the broker does not answer: holding back what it has not acknowledged")
            # What is still queued must not overtake this one. Not from within librdkafka's own callback.
            asyncio.get_running_loop().call_soon(partial(self._producer.purge, in_flight=False))

    async def _resend(self) -> None:
        """Send what is held, in order, when the broker is back and if the partitions are still ours."""
        try:
            async with asyncio.timeout(self._timeout_s):
                member = await self._is_member()
        except TimeoutError:
            self._fail_held(f"the broker was away for more than {self._timeout_s:.0f} s")
            return
        finally:
            self._resending = None
        if not member:
            self._fail_held("the group went on without this worker while the broker was away")
            return
        held, self._held = sorted(self._held, key=lambda parcel: parcel.number), []
        self._stats.resends += len(held)
        log.warning("the broker is back: sending %d records again", len(held))
        for parcel in held:
            self._produce(parcel)
        self._producer.poll()

    def _fail_held(self, reason: str) -> None:
        held, self._held = self._held, []
        for parcel in held:
            parcel.slice.close_one(reason)
