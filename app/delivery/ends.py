"""Where partitions end, as the broker has it now.

Not asked on the consumer's connection: there a question waits behind the fetch that waits for data.
"""

import asyncio
from collections.abc import Collection

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # it is public, but not typed so

from app.delivery.security import OPEN, Security


class Ends:
    """Asks through a connection of its own; requests for one partition at the same time share one question."""

    def __init__(self, bootstrap: str, security: Security = OPEN) -> None:
        self._admin = AdminClient({**security.clients(), "bootstrap.servers": bootstrap})
        self._next: dict[tuple[str, int], asyncio.Task[int]] = {}

    async def end(self, topic: str, partition: int) -> int:
        """Return the offset that the next record of the partition gets. Raises `KafkaException`."""
        asked = self._next.get((topic, partition))
        if asked is None:
            asked = asyncio.get_running_loop().create_task(self._ask(topic, partition))
            self._next[topic, partition] = asked
        return await asyncio.shield(asked)

    async def ends(self, partitions: Collection[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """As `end`, for many (topic, partition) with one question. Raises `KafkaException`."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets({TopicPartition(*it): latest for it in partitions}) if partitions else {}
        return {
            (where.topic, where.partition): int((await asyncio.wrap_future(answer)).offset)
            for where, answer in answers.items()
        }

    async def _ask(self, topic: str, partition: int) -> int:
        await asyncio.sleep(0)  # whoever asks in the same turn of the loop shares the question
        del self._next[topic, partition]  # who comes from now on must ask anew: it may have sent meanwhile
        return (await self.ends([(topic, partition)]))[topic, partition]
