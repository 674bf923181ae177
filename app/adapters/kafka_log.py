"""Kafka's log for those that read it beside the workers: without a group, and without committing anything."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Final, NamedTuple, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from app.delivery import OPEN, TO_THE_END, Headers, Security

BATCH: Final = 2_000
POLL_S: Final = 0.1
TIMEOUT_S: Final = 30.0


class LogUnreadable(Exception):
    """Kafka does not answer, or a topic is not there; the text says which."""


class LogRecord(NamedTuple):
    """A record as it was read from the log."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Span(NamedTuple):
    """The offsets of a partition, from `low` up to, not including, `end`. Below `low` it was cut by retention."""

    low: int
    end: int


Spans = Mapping[int, Span]
Committed = Mapping[tuple[str, int], int]
"""(topic, partition) to the offset below which everything is committed; what is missing has committed nothing."""


class Log(Protocol):
    """Where records come from: Kafka, or a test's memory."""

    def spans(self, topic: str) -> Spans:
        """The partitions of the topic as they are now. Raises `LogUnreadable`."""

    def committed(self, topics: Iterable[str]) -> Committed:
        """How far the workers have committed these topics. Raises `LogUnreadable`."""

    def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
        """All records in `spans`, in the order of each partition. Raises `LogUnreadable`."""


class KafkaLog:
    """The log of the broker at `bootstrap`, whose workers are the consumer group `group`."""

    def __init__(self, bootstrap: str, group: str, security: Security = OPEN) -> None:
        self._settings = {
            **security.clients(),
            "bootstrap.servers": bootstrap,
            "enable.auto.commit": False,
            "queued.max.messages.kbytes": 16_384,  # what bounds the memory that messages take
            "allow.auto.create.topics": False,
            **TO_THE_END,
        }
        # A client must name a group to ask for its offsets; it joins none, because it never subscribes.
        self._asking = Consumer({**self._settings, "group.id": group})

    def close(self) -> None:
        """Close the connections."""
        self._asking.close()

    def spans(self, topic: str) -> Spans:
        """See `Log`."""
        try:
            return {
                partition: Span(*self._asking.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT_S))
                for partition in self._partitions(topic)
            }
        except KafkaException as error:
            raise LogUnreadable(f"{topic}: {error.args[0].str()}") from error

    def committed(self, topics: Iterable[str]) -> Committed:
        """See `Log`."""
        asked = [TopicPartition(topic, partition) for topic in topics for partition in self._partitions(topic)]
        try:
            told = self._asking.committed(asked, timeout=TIMEOUT_S)
        except KafkaException as error:
            raise LogUnreadable(f"committed offsets: {error.args[0].str()}") from error
        return {(it.topic, it.partition): it.offset for it in told if it.offset >= 0}

    async def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
        """See `Log`."""
        left = {partition: span.end for partition, span in spans.items() if span.end > span.low}
        reader = Consumer({**self._settings, "group.id": "log-reader"})
        try:
            reader.assign([TopicPartition(topic, partition, spans[partition].low) for partition in left])
            heard_s = time.monotonic()
            while left:
                messages = reader.consume(BATCH, POLL_S)
                if messages:
                    heard_s = time.monotonic()
                elif time.monotonic() - heard_s > TIMEOUT_S:
                    raise LogUnreadable(f"{topic}: nothing came for {TIMEOUT_S:.0f} s")
                yield [record for message in messages if (record := _record(message, left)) is not None]
                done = [partition for partition, end in left.items() if end < 0]
                for partition in done:
                    del left[partition]
                if done:
                    reader.incremental_unassign([TopicPartition(topic, partition) for partition in done])
                await asyncio.sleep(0)  # lets an interrupt through
        finally:
            reader.close()

    def _partitions(self, topic: str) -> list[int]:
        try:
            found = self._asking.list_topics(topic, timeout=TIMEOUT_S).topics[topic]
        except KafkaException as error:
            raise LogUnreadable(f"Kafka does not answer: {error.args[0].str()}") from error
        if found.error is not None:
            raise LogUnreadable(f"{topic}: {found.error.str()}")
        return sorted(found.partitions)


def _record(message: Message, left: dict[int, int]) -> LogRecord | None:
    """The record in a message, if its partition is still read; sets the end of a partition that is done to -1.

    The last record of a compacted partition may be gone, so the broker's word for its end counts as well.
    """
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    assert topic is not None, "what a broker sent has a place"
    assert partition is not None, "what a broker sent has a place"
    assert offset is not None, "what a broker sent has a place"
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise LogUnreadable(f"{topic}: {error.str()}")
    end = left.get(partition, -1)
    if offset + (error is None) >= end:
        left[partition] = -1
    if error is not None or offset >= end:
        return None
    key, value = message.key(), message.value()
    return LogRecord(topic, partition, offset, message.timestamp()[1], _bytes(key), _bytes(value), _headers(message))


def _headers(message: Message) -> Headers:
    """None where a name is not UTF-8, as it must be: librdkafka can't say them."""
    try:
        return tuple((it[0], _bytes(it[1]) or b"") for it in message.headers() or ())
    except UnicodeDecodeError:
        return ()


def _bytes(content: bytes | str | None) -> bytes | None:
    return content.encode() if isinstance(content, str) else content
