"""The topic of dead letters, and the topics they came from, as the command `dlq` reads and writes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self, TypeAlias

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from app.cli.api import Failure
from app.cli.letters import Letter, Name, Outgoing, found
from app.delivery import OPEN, TO_THE_END, Security
from app.topics import read_dead_letter
from schemas.codec import Undecodable
from schemas.dead_letters import DeadLetter, DeadLetterHandled

BATCH: Final = 2_000
TIMEOUT_S: Final = 20.0
POLL_S: Final = 0.1

Place: TypeAlias = tuple[str, int]
"""A topic and a partition."""
_Told: TypeAlias = list[tuple[DeadLetter | DeadLetterHandled, int]]


class LetterBox:
    """Reads `topic` from its beginning, in no group, and sends. `group` is the workers', whose commits it looks up.

    All its methods raise `Failure` when Kafka does not answer, or has no such topic. Use as a context manager.
    """

    def __init__(self, bootstrap: str, topic: str, group: str, security: Security = OPEN) -> None:
        self._topic = topic
        clients = {**security.clients(), "bootstrap.servers": bootstrap, "allow.auto.create.topics": False}
        # Asking for a group's commits needs its name. It is joined only by those that subscribe.
        self._reader = Consumer({**clients, "group.id": group, "enable.auto.commit": False, **TO_THE_END})
        self._producer = Producer(
            {
                **clients,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "message.timeout.ms": int(TIMEOUT_S * 1000),
            }
        )
        self._told: _Told = []
        self._next: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.close()

    def letters(self) -> dict[Name, Letter]:
        """All letters as they are now, by name."""
        try:
            for partition in self._partitions():
                place = TopicPartition(self._topic, partition)
                low, end = self._reader.get_watermark_offsets(place, TIMEOUT_S)
                self._read(partition, max(low, self._next.get(partition, 0)), end)
        except KafkaException as error:
            raise Failure(f"The dead letters can't be read: {error.args[0].str()}") from error
        return found(self._told)

    def _partitions(self) -> list[int]:
        topic = self._reader.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
        if topic.error is not None:
            raise Failure(f"The topic {self._topic} can't be read: {topic.error.str()}")
        return sorted(topic.partitions)

    def _read(self, partition: int, start: int, end: int) -> None:
        """Read up to `end`. The last record may be gone, so the broker's word for the end counts as well."""
        self._next[partition] = end
        if start >= end:
            return
        self._reader.assign([TopicPartition(self._topic, partition, start)])
        heard_s = time.monotonic()
        while start < end:
            messages = self._reader.consume(BATCH, POLL_S)
            if messages:
                heard_s = time.monotonic()
            elif time.monotonic() - heard_s > TIMEOUT_S:
                raise Failure(f"The dead letters can't be read: nothing came for {TIMEOUT_S:.0f} s")
            for message in messages:
                error, offset = message.error(), message.offset()
                assert offset is not None, "what a broker sent has a place"
                if error is not None and error.code() != KafkaError._PARTITION_EOF:
                    raise KafkaException(error)
                start = offset + (error is None)
                if error is None and offset < end:
                    self._take(message)
        self._reader.unassign()

    def _take(self, message: Message) -> None:
        value = message.value()
        try:
            record = read_dead_letter(value.encode() if isinstance(value, str) else value)
        except Undecodable:
            return  # another program's: no letter of ours, so nothing that could be replayed
        self._told.append((record, message.timestamp()[1]))

    def send(self, record: Outgoing) -> int:
        """Send a record, and return its offset once all in-sync replicas have it."""
        reports: list[tuple[KafkaError | None, int | None]] = []
        try:
            self._producer.produce(
                record.topic,
                record.value,
                record.key,
                record.partition,
                lambda error, message: reports.append((error, message.offset())),
                headers=list(record.headers),
            )
        except KafkaException as refused:  # a partition that there is not
            reports.append((refused.args[0], None))
        self._producer.flush(TIMEOUT_S + 1.0)
        error, offset = reports[0] if reports else (KafkaError(KafkaError._TIMED_OUT), None)
        if error is not None or offset is None:
            reason = "no offset" if error is None else error.str()
            raise Failure(f"{record.topic} did not take a record: {reason}. What was told before it is done")
        return offset

    async def decided(self, ends: Mapping[Place, int], timeout_s: float) -> bool:
        """Wait until the workers have committed these partitions up to these offsets; False when the time is over."""
        until_s = time.monotonic() + timeout_s
        asked = [TopicPartition(topic, partition) for topic, partition in ends]
        while True:
            try:
                told = self._reader.committed(asked, timeout=TIMEOUT_S)
            except KafkaException as error:
                raise Failure(f"The workers' offsets can't be read: {error.args[0].str()}") from error
            if all(it.offset >= ends[it.topic, it.partition] for it in told):
                return True
            if time.monotonic() > until_s:
                return False
            await asyncio.sleep(POLL_S)
