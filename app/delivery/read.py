"""Records out of the bytes that a broker answers with."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any, Final

from aiokafka.errors import CorruptRecordException  # type: ignore[import-untyped]  # has no types
from aiokafka.record.default_records import _DefaultRecordBatchPy  # type: ignore[import-untyped]
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
    batches: Any = MemoryRecords(content)
    while batches.has_next():
        batch = batches.next_batch()
        if batch.next_offset <= start:
            continue
        if not batch.validate_crc():
            raise CorruptRecordException("the checksum of a batch is wrong")
        records: list[Read] = []
        if not batch.is_control_batch:
            try:
                records = _from(place, batch, start)
            except UnicodeDecodeError:
                records = _from(place, _Readable(_bytes_of(batch.base_offset, content)), start)
        yield records, batch.next_offset


def _from(place: Place, batch: Iterable[Any], start: int) -> list[Read]:
    topic, partition = place
    return [
        Read(topic, partition, it.offset, it.timestamp, it.key, it.value, _whole(it.headers))
        for it in batch
        if it.offset >= start
    ]


def _whole(headers: list[tuple[str, bytes | None]]) -> Headers:
    """Kafka has headers without a value, which say to us what empty ones say."""
    return [(name, value or b"") for name, value in headers]


_BATCH_HEAD: Final = struct.Struct(">qi")  # offset of its first record, bytes that follow


def _bytes_of(offset: int, content: bytes) -> bytes:
    """The batch that begins with this offset."""
    at = 0
    while (head := _BATCH_HEAD.unpack_from(content, at))[0] != offset:
        at += _BATCH_HEAD.size + head[1]
    return content[at : at + _BATCH_HEAD.size + head[1]]


class _Replacing(bytearray):
    """Bytes whose parts are text whatever they are, where Kafka's are UTF-8."""

    def __getitem__(self, at: Any) -> Any:
        part = super().__getitem__(at)
        return _Replacing(part) if isinstance(at, slice) else part

    def decode(self, encoding: str = "utf-8", errors: str = "replace") -> str:
        return super().decode(encoding, errors)


class _Readable(_DefaultRecordBatchPy):  # type: ignore[misc]  # has no types
    """A batch of which a header's name is not UTF-8: some other program's, which must not stop who reads it."""

    _buffer: bytearray

    def _maybe_uncompress(self) -> None:
        super()._maybe_uncompress()
        self._buffer = _Replacing(self._buffer)
