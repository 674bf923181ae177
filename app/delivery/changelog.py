"""Reads changelogs through a connection of its own, beside the consumer whose fetches and seeks a rebalance disturbs.

Faust reads them through its one consumer. When the group agrees anew meanwhile, a fetch that was under way may take the
records that follow the next seek, and nobody gets them; or a record that waited for its queue comes before those that
precede it. Either way the table lacks rows, without a word.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Final, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition
from faust.types import TP

from app.delivery.contract import Headers
from app.delivery.held import ChangelogRecord
from app.delivery.librdkafka import BACK_SOON, TO_THE_END
from app.delivery.security import Security

CHUNK: Final = 500
"""The most records at once: HTTP gets its turn after each."""
POLL_S: Final = 0.05


class Changelogs:
    """Reads from the broker at `bootstrap`."""

    def __init__(self, bootstrap: str, security: Security) -> None:
        self._settings = {
            **security.clients(),
            "bootstrap.servers": bootstrap,
            "group.id": "changelogs",  # librdkafka wants one; nobody joins it
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",  # where the log was cut, or begun anew
            "isolation.level": "read_uncommitted",
            "queued.max.messages.kbytes": 16_384,
            **TO_THE_END,
            **BACK_SOON,
        }

    async def read(
        self, starts: Mapping[TP, int], ends: Mapping[TP, int]
    ) -> AsyncGenerator[dict[TP, list[ChangelogRecord]], None]:
        """Yield the records of each partition, in order, from its start to before its end, and what came meanwhile.

        Waits while the broker is away. Raises `KafkaException` for what waiting does not mend.
        """
        left = {tp for tp, start in starts.items() if start < ends[tp]}
        if not left:
            return
        loop = asyncio.get_running_loop()
        thread = ThreadPoolExecutor(1, thread_name_prefix="changelogs")
        reader = await loop.run_in_executor(thread, Consumer, self._settings)
        try:
            reader.assign([TopicPartition(tp.topic, tp.partition, starts[tp]) for tp in left])
            while left:
                messages = await loop.run_in_executor(thread, reader.consume, CHUNK, POLL_S)
                yield _sorted(messages, ends, left)
        finally:
            thread.submit(reader.close)  # behind what the thread is at: a reader must not be closed while it reads
            thread.shutdown(wait=False)


def _sorted(messages: list[Message], ends: Mapping[TP, int], left: set[TP]) -> dict[TP, list[ChangelogRecord]]:
    """The records by partition; takes the partitions that have come to their ends out of `left`."""
    records: defaultdict[TP, list[ChangelogRecord]] = defaultdict(list)
    for message in messages:
        tp, offset, error = TP(message.topic() or "", message.partition() or 0), message.offset() or 0, message.error()
        if error is None:
            headers = cast(Headers, message.headers() or ())
            records[tp].append(ChangelogRecord(offset, message.key(), message.value(), headers))
            offset += 1
        elif error.code() != KafkaError._PARTITION_EOF:
            raise KafkaException(error)
        if offset >= ends[tp]:
            left.discard(tp)
    return records
