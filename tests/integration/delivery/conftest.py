"""Fixtures of the delivery tests: a fresh app id, its topics, and workers that don't outlive the test."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Broker, StartWorker, Worker

from app.embedded.kafka import EmbeddedKafka


@pytest.fixture
def broker(kafka: EmbeddedKafka) -> Broker:
    return Broker(kafka.bootstrap)


@pytest.fixture
def app_id() -> str:
    return f"d{uuid.uuid4().hex[:8]}"


@pytest.fixture
def start_worker(broker: Broker, app_id: str, tmp_path: Path) -> Iterator[StartWorker]:
    """Make and start a worker: `start_worker("a", module="worker_app", CALL_S="1")`."""
    workers: list[Worker] = []

    def start(name: str, module: str = "worker_app", **env: str) -> Worker:
        worker = Worker(tmp_path, name, module, {"APP_ID": app_id, "BOOTSTRAP": broker.bootstrap, **env})
        workers.append(worker)
        return worker.start()

    yield start
    for worker in workers:
        worker.close()
