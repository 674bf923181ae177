"""Workers for the integration tests: real `faust` processes on the session's broker and database.

Each test has an app id of its own, which also names its topics and its database, so that tests share nothing but the
servers they run on.
"""

import os
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path

import pytest
from commands import Commands
from confluent_kafka.admin import AdminClient
from dead_letters import Command, Dlq, Stranger
from worker_process import Readiness, WorkerFactory, WorkerProcess, answers_ready

from app.adapters.mongo import Database
from app.adapters.mongo import database as database_at
from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.workers import make_worker

DEADLINE_S = 30.0


@pytest.fixture(autouse=True)
def no_topics_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What a test put on the session's broker goes with it: a broker that keeps thousands of partitions runs out of
    memory, and stands still while it looks for some.
    """
    if "kafka" not in request.fixturenames:
        yield
        return
    broker: EmbeddedKafka = request.getfixturevalue("kafka")
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    before = admin.list_topics(timeout=DEADLINE_S).topics.keys()  # of a worker that serves a whole session, too
    yield
    left = [it for it in admin.list_topics(timeout=DEADLINE_S).topics if it not in before and not it.startswith("__")]
    for gone in admin.delete_topics(left, operation_timeout=DEADLINE_S).values() if left else ():
        gone.result(DEADLINE_S)


@pytest.fixture
def app_id() -> str:
    """An app id that no other test has."""
    return f"test-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def worker_factory(kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str, tmp_path: Path) -> Iterator[WorkerFactory]:
    """Starts workers of this test's app on the session's Kafka and MongoDB; all are gone when the test is over."""
    workers: list[WorkerProcess] = []

    def start(
        module: str = "app.main",
        *,
        path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        ready: Readiness = answers_ready,
        wait: bool = True,
    ) -> WorkerProcess:
        settings = {
            **os.environ,
            "KAFKA_URL": kafka.url,
            "MONGO_URL": mongo.url,
            "APP_ID": app_id,
            "TOPIC_PREFIX": f"{app_id}.",
            "MONGO_DATABASE": app_id,
            "PYTHONUNBUFFERED": "1",
            **({} if path is None else {"PYTHONPATH": str(path)}),
            **(environment or {}),
        }
        made = make_worker(len(workers) + 1, free_port(), tmp_path, settings, module)
        worker = WorkerProcess(made.child, made.port, ready)
        workers.append(worker)
        worker.start()
        if wait:
            worker.wait_ready()
        return worker

    try:
        yield start
    finally:
        for worker in workers:
            worker.kill()


@pytest.fixture
def dlq(kafka: EmbeddedKafka, app_id: str) -> Dlq:
    """The command `dlq` of this test's app."""
    return Dlq("dlq", {"KAFKA_URL": kafka.url, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}."})


@pytest.fixture
def audit(kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str) -> Command:
    """The command `audit` of this test's app."""
    where = {"KAFKA_URL": kafka.url, "MONGO_URL": mongo.url, "MONGO_DATABASE": app_id}
    return Command("audit", {**where, "APP_ID": app_id, "TOPIC_PREFIX": f"{app_id}."})


@pytest.fixture
def stranger(kafka: EmbeddedKafka, app_id: str) -> Stranger:
    """Another program, on the topics of this test's app."""
    return Stranger(kafka.bootstrap, f"{app_id}.")


@pytest.fixture
def commands(kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str) -> Commands:
    """Commands for this test's workers."""
    return Commands(kafka, mongo, app_id)


@pytest.fixture
async def database(mongo: EmbeddedMongod, app_id: str) -> AsyncIterator[Database]:
    """The database of this test's workers, as the adapters reach it; it is dropped in the end."""
    made = database_at(mongo.url, app_id)
    yield made
    await made.client.drop_database(app_id)
    made.client.close()
