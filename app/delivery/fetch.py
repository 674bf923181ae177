"""Kafka's request for records of many partitions, and its answer, as bytes.

Version 11, which every broker since 2.4 takes: https://kafka.apache.org/protocol.html#The_Messages_Fetch. A session
(KIP-227) tells a broker only what has changed since the last request; without one each names all partitions anew.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from io import BytesIO
from typing import Any, Final, NamedTuple

from aiokafka.protocol.fetch import FetchRequest_v11, FetchResponse_v11  # type: ignore[import-untyped]  # has no types

from app.delivery.produce import Place

WAIT_S: Final = 0.5
"""How long a broker waits for records when there are none."""
FETCH_BYTES: Final = 1_000_000
"""About the most in one answer: what is made of it holds the loop up."""
PARTITION_BYTES: Final = 262_144

_HEAD: Final = struct.Struct(">iiiibiii")  # replica, wait, least and most bytes, isolation, session, epoch, topics
_COUNT: Final = struct.Struct(">i")
_LENGTH: Final = struct.Struct(">h")
_PARTITION: Final = struct.Struct(">iiqqi")  # partition, its leader's epoch, offset, start of the log, most bytes
_ANSWER_HEAD: Final = struct.Struct(">ihii")  # throttled, error, session, topics
_ANSWER: Final = struct.Struct(">ihqqqi")  # partition, error, high watermark, stable offset, start of log, aborted
_ABORTED_BYTES: Final = 16
_RECORDS: Final = struct.Struct(">ii")  # preferred replica, bytes of records

NO_REPLICA: Final = -1
READ_UNCOMMITTED: Final = 0
NO_EPOCH: Final = -1
NO_SESSION: Final = 0


class Fetched(NamedTuple):
    """What a broker has of a partition: Kafka's code, 0 for no error, and batches of records, the last maybe cut."""

    error: int
    content: bytes


class FetchAnswer(FetchResponse_v11):  # type: ignore[misc]  # has no types
    """Of the partitions that have something to tell."""

    API_KEY = FetchResponse_v11.API_KEY
    API_VERSION = FetchResponse_v11.API_VERSION
    SCHEMA = FetchResponse_v11.SCHEMA

    def __init__(self, error: int, session: int, fetched: dict[Place, Fetched]) -> None:
        self.error = error
        self.session = session
        self.fetched = fetched

    @classmethod
    def decode(cls, data: BytesIO | bytes) -> FetchAnswer:
        """Read an answer, behind its header."""
        read, at = (data.getvalue(), data.tell()) if isinstance(data, BytesIO) else (data, 0)
        _, error, session, topics = _ANSWER_HEAD.unpack_from(read, at)
        at += _ANSWER_HEAD.size
        fetched: dict[Place, Fetched] = {}
        for _ in range(topics):
            (length,) = _LENGTH.unpack_from(read, at)
            at += _LENGTH.size
            topic = read[at : at + length].decode()
            at += length
            (partitions,) = _COUNT.unpack_from(read, at)
            at += _COUNT.size
            for _ in range(partitions):
                partition, failed, _, _, _, aborted = _ANSWER.unpack_from(read, at)
                at += _ANSWER.size + max(aborted, 0) * _ABORTED_BYTES
                _, size = _RECORDS.unpack_from(read, at)
                at += _RECORDS.size
                size = max(size, 0)
                fetched[topic, partition] = Fetched(failed, read[at : at + size])
                at += size
        return cls(error, session, fetched)


class FetchRequest(FetchRequest_v11):  # type: ignore[misc]  # has no types
    """From these offsets on; `forgotten` of the session's partitions are not asked for any more."""

    API_KEY = FetchRequest_v11.API_KEY
    API_VERSION = FetchRequest_v11.API_VERSION
    SCHEMA = FetchRequest_v11.SCHEMA
    RESPONSE_TYPE = FetchAnswer

    def __init__(self, session: int, epoch: int, offsets: Mapping[Place, int], forgotten: Iterable[Place] = ()) -> None:
        self._session = session
        self._epoch = epoch
        self._offsets = offsets
        self._forgotten = forgotten

    def __repr__(self) -> str:
        return f"<{len(self._offsets)} partitions of session {self._session}>"

    def prepare(self, _versions: Mapping[int, tuple[int, int]]) -> FetchRequest:
        """It is what it is, for every broker."""
        return self

    def encode(self) -> bytes:
        """The request, behind its header."""
        asked = _by_topic((place, offset) for place, offset in self._offsets.items())
        gone = _by_topic((place, 0) for place in self._forgotten)
        wait_ms = int(WAIT_S * 1000)
        head = (NO_REPLICA, wait_ms, 1, FETCH_BYTES, READ_UNCOMMITTED, self._session, self._epoch, len(asked))
        parts = [_HEAD.pack(*head)]
        for topic, partitions in asked.items():
            parts += _named(topic, len(partitions))
            parts += (_PARTITION.pack(number, NO_EPOCH, offset, -1, PARTITION_BYTES) for number, offset in partitions)
        parts.append(_COUNT.pack(len(gone)))
        for topic, partitions in gone.items():
            parts += _named(topic, len(partitions))
            parts += (_COUNT.pack(number) for number, _ in partitions)
        parts.append(_LENGTH.pack(0))  # no rack
        return b"".join(parts)


def _by_topic(offsets: Iterable[tuple[Place, int]]) -> dict[str, list[tuple[int, int]]]:
    topics: dict[str, list[tuple[int, int]]] = {}
    for (topic, partition), offset in offsets:
        topics.setdefault(topic, []).append((partition, offset))
    return topics


def _named(topic: str, partitions: int) -> tuple[Any, ...]:
    name = topic.encode()
    return _LENGTH.pack(len(name)), name, _COUNT.pack(partitions)


class Session:
    """What one broker has been told: each request says only what is new."""

    def __init__(self) -> None:
        self._id = NO_SESSION
        self._epoch = 0
        self._told: dict[Place, int] = {}

    def request(self, offsets: Mapping[Place, int]) -> FetchRequest:
        """Ask for exactly these partitions, from these offsets on."""
        told = self._told
        new = {place: offset for place, offset in offsets.items() if told.get(place) != offset}
        gone = [place for place in told if place not in offsets]
        self._told = dict(offsets)
        return FetchRequest(self._id, self._epoch, new, gone)

    def answered(self, answer: FetchAnswer) -> None:
        """The broker has taken the request; one that keeps no session is told all each time."""
        self._id = answer.session
        self._epoch = 0 if answer.session == NO_SESSION else self._epoch % (2**31 - 1) + 1
        if answer.session == NO_SESSION:
            self._told = {}
