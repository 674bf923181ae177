"""Records of one partition that go to the broker together."""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, TypeAlias

from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]  # has no types

from app.delivery.contract import Headers
from app.delivery.produce import Appended, Place
from app.delivery.read import Read

Record: TypeAlias = tuple[bytes, bytes | None, Headers]
"""Key, value and headers."""

OnDelivery: TypeAlias = Callable[[str | None, int, int, int], None]
"""Is told of records that were sent at once, all together or part by part: why they were not taken, or None; the offset
of the first; their time in the log (milliseconds since 1970); and how many they are, one behind the other."""

BATCH_BYTES: Final = 1_000_000
"""The most that goes together; a record that is larger by itself goes alone, and its topic must take it."""

LARGEST_RECORD_BYTES: Final = 4_000_000
"""What a topic that gets large records must take: `max.message.bytes`."""

_MAGIC, _UNCOMPRESSED, _NO_TRANSACTION = 2, 0, 0
_SEQUENCES: Final = 1 << 31


class ProducerId(NamedTuple):
    """By which a broker knows a producer, and tells what it has sent twice."""

    id: int
    epoch: int


class Batch:
    """Takes records until it is `sealed`; from then on its bytes are the same, each time it is sent."""

    __slots__ = ("_builder", "_came_ms", "_open", "_records", "_sealed", "_sequence", "_told", "since_s")

    def __init__(self, since_s: float) -> None:
        self.since_s = since_s
        """Since when its first record waits, by the loop's clock."""
        self._came_ms = int(time.time() * 1000)
        self._builder = DefaultRecordBatchBuilder(_MAGIC, _UNCOMPRESSED, _NO_TRANSACTION, -1, -1, -1, BATCH_BYTES)
        self._records: list[Record] = []
        self._told: list[tuple[OnDelivery, int]] = []
        self._open = True
        self._sealed: bytearray | None = None
        self._sequence = 0

    @property
    def size_bytes(self) -> int:
        """About how much it holds."""
        return int(self._builder.size())

    def __len__(self) -> int:
        return len(self._records)

    def add(self, records: Sequence[Record], on_delivery: OnDelivery) -> int:
        """Take as many of these as there is room for, the first first; none when it is sealed. Returns how many."""
        if not self._open:
            return 0
        append, number, came_ms = self._builder.append, len(self._records), self._came_ms
        count = 0
        for key, value, headers in records:
            if append(number + count, came_ms, key, value, list(headers)) is None:
                break
            count += 1
        if count:
            self._records += records if count == len(records) else records[:count]
            self._told.append((on_delivery, count))
        return count

    def sealed(self, producer: ProducerId, sequence: int) -> bytearray:
        """Its bytes, with the number of its first record among the producer's records of this partition.

        Once it is sealed they do not change, whatever is asked for: sent again, the broker must know them.
        """
        if self._sealed is None:
            self._builder.set_producer_state(producer.id, producer.epoch, sequence)
            self._sealed = self._builder.build()
            self._open = False
            self._sequence = sequence
        return self._sealed

    def unseal(self) -> None:
        """The producer has another id from now on: what was sent under the old one is not known by it."""
        self._sealed = None

    @property
    def next_sequence(self) -> int:
        """The number of the record behind its last one; numbers begin anew after the largest of 32 bits."""
        return (self._sequence + len(self)) % _SEQUENCES

    def taken(self, appended: Appended) -> None:
        """It stands in the log."""
        offset, time_ms = appended.offset, self._time_ms(appended)
        for on_delivery, count in self._told:
            on_delivery(None, offset, time_ms, count)
            offset += count

    def as_read(self, place: Place, appended: Appended) -> list[Read]:
        """Its records as whoever reads the log finds them there."""
        topic, partition = place
        time_ms = self._time_ms(appended)
        return [
            Read(topic, partition, offset, time_ms, key, value, list(headers))
            for offset, (key, value, headers) in enumerate(self._records, appended.offset)
        ]

    def _time_ms(self, appended: Appended) -> int:
        return self._came_ms if appended.log_time_ms < 0 else appended.log_time_ms

    def failed(self, reason: str) -> None:
        """It will not be sent any more; it may stand in the log, if its acknowledgement was lost."""
        for on_delivery, count in self._told:
            on_delivery(reason, -1, -1, count)
