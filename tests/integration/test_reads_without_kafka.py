"""Reads while the broker is away: what is known is told, what can't be known is refused, and nobody waits for long."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware

LONGEST_S = 6.0
"""A read's own patience, and a busy machine."""


@pytest.fixture
def own_kafka(kafka_software: KafkaSoftware, tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker that this test may stop."""
    with EmbeddedKafka(tmp_path / "kafka", kafka_software) as broker:
        yield broker


async def test_positions_that_are_in_are_read_and_others_refused_in_time(
    worker_factory: WorkerFactory, own_kafka: EmbeddedKafka
) -> None:
    worker = worker_factory(environment={"KAFKA_URL": own_kafka.url})
    async with aiohttp.ClientSession(worker.url, headers={"x-api-key": "demo"}) as session:

        async def get(path: str, position: str) -> tuple[int, float]:
            began_s = time.monotonic()
            async with session.get(path, headers={"x-position": position}) as told:
                assert told.status != 503 or int(told.headers["Retry-After"]) >= 1
                return told.status, time.monotonic() - began_s

        placed: dict[str, Any] = {"orderId": "o1", "userId": "u", "items": [{"productId": "none", "quantity": 1}]}
        async with session.post("/v1/orders", json=placed, headers={"Prefer": "wait=20"}) as told:
            position = told.headers["x-position"]
            assert (await told.json())["status"] == "REJECTED"
        assert (await get("/v1/orders", position))[0] == 200
        await asyncio.to_thread(own_kafka.stop)

        beyond = f"{position}0"
        for path in ("/v1/orders/o1", "/v1/orders"):
            status, took_s = await get(path, position)
            assert (status, took_s < LONGEST_S) == (200, True)
            status, took_s = await get(path, beyond)
            assert (status, took_s < LONGEST_S) == (503, True)
