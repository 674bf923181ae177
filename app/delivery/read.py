"""Records out of the bytes that a broker answers with."""

from collections.abc import Iterator
from typing import Any

from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]  # has no types
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]
from msgspec import Struct

from app.delivery.contract import Headers
from app.delivery.produce import Place


class Read(Struct, frozen=True, gc=False):
    """A record as it was read. See `ConsumerRecord`."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


def batches_in(place: Place, content: bytes, start: int) -> Iterator[tuple[list[Read], int]]:
    """The records of each whole batch that reaches to an offset, from it on, and the offset that follows the batch.

    A broker answers with whole batches, of which the first may begin before the offset that was asked for, and the last
    may be cut off. Raises `CorruptRecordException`, behind the batches that are good.
    """
    topic, partition = place
    batches: Any = MemoryRecords(content)
    while batches.has_next():
        batch = batches.next_batch()
        if batch.next_offset <= start:
            continue
        if not batch.validate_crc():
            raise CorruptRecordException("the checksum of a batch is wrong")
        records: list[Read] = []
        if not batch.is_control_batch:
            records = [
                Read(topic, partition, it.offset, it.timestamp, it.key, it.value, it.headers)
                for it in batch
                if it.offset >= start
            ]
        yield records, batch.next_offset
