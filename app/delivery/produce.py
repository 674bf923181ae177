"""Kafka's request to append batches of records to many partitions at once, and its answer, as bytes.

Version 7 of the request, which every broker since 2.1 takes: https://kafka.apache.org/protocol.html#The_Messages_Produce.
aiokafka's own classes go through a schema field by field, which takes ten times as long.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple, TypeAlias

from aiokafka.protocol.produce import (  # type: ignore[import-untyped]  # has no types
    ProduceRequest_v7,
    ProduceResponse_v7,
)

Place: TypeAlias = tuple[str, int]
"""A topic and one of its partitions."""

_HEAD: Final = struct.Struct(">hhii")  # transactional id (none), acks, timeout, topics
_COUNT: Final = struct.Struct(">i")
_LENGTH: Final = struct.Struct(">h")
_PARTITION: Final = struct.Struct(">ii")  # partition, bytes of the batch
_ANSWER: Final = struct.Struct(">ihqqq")  # partition, error, base offset, time of append or -1, start of the log

NO_TRANSACTION: Final = -1
ALL_REPLICAS: Final = -1


class Appended(NamedTuple):
    """What became of a batch: Kafka's code, 0 for none, and its first offset.

    `log_time_ms` is -1 where the sender's time counts.
    """

    error: int
    offset: int
    log_time_ms: int


class Answer(ProduceResponse_v7):  # type: ignore[misc]  # has no types
    """What became of each batch of a request."""

    API_KEY, API_VERSION, SCHEMA = ProduceResponse_v7.API_KEY, ProduceResponse_v7.API_VERSION, ProduceResponse_v7.SCHEMA

    def __init__(self, appended: dict[Place, Appended]) -> None:
        self.appended = appended

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> Answer:
        """Read an answer, behind its header."""
        read = data.getbuffer()[data.tell() :] if isinstance(data, BytesIO) else memoryview(data)
        appended: dict[Place, Appended] = {}
        (topics,), at = _COUNT.unpack_from(read), _COUNT.size
        for _ in range(topics):
            (length,) = _LENGTH.unpack_from(read, at)
            at += _LENGTH.size
            topic = str(read[at : at + length], "utf-8")
            at += length
            (partitions,) = _COUNT.unpack_from(read, at)
            at += _COUNT.size
            for _ in range(partitions):
                partition, error, offset, log_time_ms, _ = _ANSWER.unpack_from(read, at)
                at += _ANSWER.size
                appended[topic, partition] = Appended(error, offset, log_time_ms)
        return cls(appended)


class ProduceRequest(ProduceRequest_v7):  # type: ignore[misc]  # has no types
    """Batches for partitions that one broker leads, to be on all in-sync replicas within `timeout_s`."""

    API_KEY, API_VERSION, SCHEMA = ProduceRequest_v7.API_KEY, ProduceRequest_v7.API_VERSION, ProduceRequest_v7.SCHEMA
    RESPONSE_TYPE = Answer

    def __init__(self, batches: Mapping[Place, bytes | bytearray], timeout_s: float) -> None:
        self._batches = batches
        self._timeout_ms = int(timeout_s * 1000)

    def __repr__(self) -> str:
        return f"<{len(self._batches)} batches>"

    def prepare(self, _versions: Mapping[int, tuple[int, int]]) -> ProduceRequest:
        """It is what it is, for every broker."""
        return self

    def encode(self) -> bytes:
        """The request, behind its header."""
        topics: dict[str, list[tuple[int, bytes | bytearray]]] = {}
        for (topic, partition), batch in self._batches.items():
            topics.setdefault(topic, []).append((partition, batch))
        parts: list[Any] = [_HEAD.pack(NO_TRANSACTION, ALL_REPLICAS, self._timeout_ms, len(topics))]
        for topic, batches in topics.items():
            name = topic.encode()
            parts += (_LENGTH.pack(len(name)), name, _COUNT.pack(len(batches)))
            for partition, batch in batches:
                parts += (_PARTITION.pack(partition, len(batch)), batch)
        return b"".join(parts)
