"""Reads the partitions that the group gave this worker: librdkafka fetches, beside the consumer that is the member.

aiokafka fetches in Python: at 50 orders a second that alone took half of a core, and the loop waited for it. Here a
fetch costs Python one wake-up and what its records are made of. What was read may be of before the last `assign`:
whoever takes it looks at its offsets (`intake.py`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast

from confluent_kafka import Consumer, Message, TopicPartition
from faust.types import TP
from msgspec import Struct

from app.delivery.contract import Headers
from app.delivery.librdkafka import BACK_SOON
from app.delivery.security import Security

log = logging.getLogger("librdkafka")

DAY_MS: Final = 24 * 3600 * 1000


class Read(Struct, frozen=True, gc=False):
    """A record as it was read. See `ConsumerRecord`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class Reader:
    """Reads from the broker at `bootstrap`, what it was last assigned, at most `most` records at once.

    Its thread waits; all else is quick.
    """

    def __init__(self, bootstrap: str, security: Security, most: int) -> None:
        self._most = most
        self._closed = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="reader")
        self._consumer = Consumer(
            {
                **security.clients(),
                "bootstrap.servers": bootstrap,
                "group.id": "reader",  # librdkafka wants one; nobody joins it
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "earliest",  # where the log was cut
                "isolation.level": "read_uncommitted",
                "check.crcs": True,
                "fetch.wait.max.ms": 500,
                "fetch.queue.backoff.ms": 10,  # not a second, when much is waiting here
                "queued.min.messages": most,
                "queued.max.messages.kbytes": 16_384,
                "max.poll.interval.ms": DAY_MS,  # nobody looks at it: this is no member
                **BACK_SOON,
                "log.connection.close": False,
                "logger": log,
            }
        )

    def assign(self, starts: Mapping[TP, int]) -> None:
        """Read these partitions from these offsets on, and no others; nothing, once it is closed."""
        if self._closed:
            return
        self._consumer.assign([TopicPartition(tp.topic, tp.partition, offset) for tp, offset in starts.items()])

    def pause(self, tps: Iterable[TP]) -> None:
        """Read no more of these, until they are resumed."""
        self._consumer.pause([TopicPartition(tp.topic, tp.partition) for tp in tps])

    def resume(self, tps: Iterable[TP]) -> None:
        """Go on with these where they were left."""
        self._consumer.resume([TopicPartition(tp.topic, tp.partition) for tp in tps])

    async def read(self, timeout_s: float) -> dict[TP, list[Read]]:
        """Wait for records; return what is there of each partition, in order, or nothing after that time."""
        if self._closed:
            return {}
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read, timeout_s)

    def _read(self, timeout_s: float) -> dict[TP, list[Read]]:
        first = self._consumer.poll(timeout_s)
        if first is None:
            return {}
        found: dict[tuple[str, int], list[Read]] = {}
        for message in (first, *self._consumer.consume(self._most - 1, 0)):
            error = message.error()
            if error is not None:
                log.warning("%s-%s can't be read: %s", message.topic(), message.partition(), error)
                continue
            record = _made(message)
            records = found.get((record.topic, record.partition))
            if records is None:
                records = found[record.topic, record.partition] = []
            records.append(record)
        return {TP(*where): records for where, records in found.items()}

    def close(self) -> None:
        """Read nothing any more; the thread ends behind what it is at."""
        if self._closed:
            return
        self._closed = True
        self._thread.submit(self._consumer.close)
        self._thread.shutdown(wait=False)


def _made(message: Message) -> Read:
    topic, partition, offset = cast(str, message.topic()), cast(int, message.partition()), cast(int, message.offset())
    headers = cast(Headers, message.headers() or ())
    return Read(topic, partition, offset, message.timestamp()[1], message.key(), message.value(), headers)
