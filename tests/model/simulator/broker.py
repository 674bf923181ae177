"""Kafka as far as it counts here: logs by topic and partition, changelogs, committed offsets."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

from app.delivery.contract import Headers

PARTITIONS = 2


class Entry(NamedTuple):
    """One record of a log; fits what a decision reads."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes
    value: bytes
    headers: Headers = ()


class Write(NamedTuple):
    """A record on its way to the broker. `row` stands for the value of a changelog record, and is never encoded."""

    topic: str
    partition: int
    key: bytes
    value: bytes = b""
    row: Any = None
    headers: Headers = ()


class Gone(NamedTuple):
    """What a changelog has of a row that was deleted at this version; None when nothing is said of it."""

    version: int | None


def partition_of(key: bytes) -> int:
    """Where a key lies, in every topic."""
    return crc32(key) % PARTITIONS


def changelog(topic: str) -> str:
    """The changelog of the table that the participant of `topic` writes."""
    return f"{topic}-changelog"


@dataclass
class Broker:
    """All that survives a worker. Time counts appended records, in milliseconds."""

    logs: dict[tuple[str, int], list[Entry]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[tuple[str, int], list[tuple[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    committed: dict[tuple[str, int], int] = field(default_factory=lambda: defaultdict(int))
    now_ms: int = 1_000

    def append(self, write: Write) -> Entry | None:
        """Puts a record at the end of its log; a changelog record is kept as its row."""
        self.now_ms += 1
        if write.row is not None:
            self.rows[write.topic, write.partition].append((write.key.decode(), write.row))
            return None
        log = self.logs[write.topic, write.partition]
        entry = Entry(write.topic, write.partition, len(log), self.now_ms, write.key, write.value, write.headers)
        log.append(entry)
        return entry

    def send(self, topic: str, key: bytes, value: bytes) -> None:
        """What somebody outside the workers sends."""
        self.append(Write(topic, partition_of(key), key, value))
