"""Where partitions end is known again soon after the broker is back, also to a client that knew it before."""

import asyncio
from pathlib import Path

import pytest
from confluent_kafka import KafkaException

from app.delivery import NewTopicSpec, ensure_topics
from app.delivery.ends import Ends
from app.embedded.kafka import EmbeddedKafka, KafkaSoftware

DEADLINE_S = 20.0
PARTITIONS = [("ends", partition) for partition in range(4)]


async def until_known(ends: Ends) -> dict[tuple[str, int], int]:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            try:
                return await ends.ends(PARTITIONS)
            except KafkaException:
                await asyncio.sleep(0.1)


@pytest.mark.parametrize("how", ["stop", "kill"])
async def test_they_are_known_again_after_a_restart(kafka_software: KafkaSoftware, tmp_path: Path, how: str) -> None:
    with EmbeddedKafka(tmp_path, kafka_software) as broker:
        ensure_topics(broker.bootstrap, [NewTopicSpec("ends", len(PARTITIONS))])
        ends = Ends(broker.bootstrap)
        known = await until_known(ends)
        for _ in range(2):
            getattr(broker, how)()
            broker.start()
            assert await until_known(ends) == known
