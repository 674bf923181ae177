"""Where partitions end, as the broker has it now.

Not asked on the consumer's connection: there a question waits behind the fetch that waits for data.
"""

import asyncio
from collections.abc import Collection
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is public, but not typed so

from app.delivery.librdkafka import BACK_SOON
from app.delivery.security import OPEN, Security

STALE: Final = frozenset(
    {KafkaError.FENCED_LEADER_EPOCH, KafkaError.UNKNOWN_LEADER_EPOCH, KafkaError.NOT_LEADER_FOR_PARTITION}
)
"""What a broker says to a client that has old metadata."""


class Ends:
    """Asks through a connection of its own; requests for one partition at the same time share one question."""

    def __init__(self, bootstrap: str, security: Security = OPEN) -> None:
        self._settings: dict[str, str | int | float | bool] = {
            **security.clients(),
            "bootstrap.servers": bootstrap,
            **BACK_SOON,
        }
        self._admin = AdminClient(self._settings)
        self._next: dict[tuple[str, int], asyncio.Task[int]] = {}

    async def end(self, topic: str, partition: int) -> int:
        """Return the offset that the next record of the partition gets. Raises `KafkaException`."""
        asked = self._next.get((topic, partition))
        if asked is None:
            asked = asyncio.get_running_loop().create_task(self._ask(topic, partition))
            self._next[topic, partition] = asked
        return await asyncio.shield(asked)

    async def ends(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """As `end`, for many (topic, partition) with one question. Raises `KafkaException`.

        After a restart of the broker librdkafka would ask with its old leader epoch, and be refused, until it renews
        its metadata by itself: after five minutes. A new client has new metadata.
        """
        if not partitions:
            return {}
        admin = self._admin
        try:
            return await _answers(admin, partitions)
        except KafkaException as error:
            if error.args[0].code() not in STALE:
                raise
            if admin is self._admin:  # else somebody else was refused first
                self._admin = AdminClient(self._settings)
            return await _answers(self._admin, partitions)

    async def _ask(self, topic: str, partition: int) -> int:
        await asyncio.sleep(0)  # whoever asks in the same turn of the loop shares the question
        del self._next[topic, partition]  # who comes from now on must ask anew: it may have sent meanwhile
        return (await self.ends([(topic, partition)]))[topic, partition]


async def _answers(admin: AdminClient, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
    latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
    answers = admin.list_offsets({TopicPartition(*it): latest for it in partitions})
    return {
        (str(where.topic), int(where.partition)): int((await asyncio.wrap_future(answer)).offset)
        for where, answer in answers.items()
    }
