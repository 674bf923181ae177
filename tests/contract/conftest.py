"""One real worker on a real Kafka and MongoDB, for all tests of the contract: they tell their orders apart by id."""

import json
import os
import re
import time
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from app.adapters.api_keys import ApiKeys
from app.adapters.mongo import database
from app.embedded.api import is_ready
from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.workers import Worker, make_worker
from tests.contract.api import Api, Document
from tests.contract.credentials import Keys

SECRET = re.compile(r"ok_[a-z2-7]{12}_|eyJ[\w-]+\.")
READY_TIMEOUT_S = 60.0


@pytest.fixture(scope="session")
def environment(kafka: EmbeddedKafka, mongo: EmbeddedMongod) -> dict[str, str]:
    """The settings of the contract's own system."""
    app_id = f"contract-{uuid.uuid4().hex[:8]}"
    return {
        **os.environ,
        "KAFKA_URL": kafka.url,
        "MONGO_URL": mongo.url,
        "APP_ID": app_id,
        "TOPIC_PREFIX": f"{app_id}.",
        "MONGO_DATABASE": app_id,
        "GATEWAY_SLOW_S": "3",
        "SESSION_TIMEOUT_S": "6",
        "HEARTBEAT_INTERVAL_S": "1",
    }


def wait_ready(worker: Worker) -> None:
    """Wait until the worker is ready; fails with its log when it ends or takes too long."""
    deadline_s = time.monotonic() + READY_TIMEOUT_S
    while not is_ready(worker.port):
        assert worker.child.alive, worker.child.log_tail()
        assert time.monotonic() < deadline_s, worker.child.log_tail()
        time.sleep(0.05)


@contextmanager
def serving(environment: dict[str, str], home: Path) -> Iterator[Worker]:
    """A worker that is ready; whatever is asked of it, its log may hold no surprise and no secret."""
    made = make_worker(1, free_port(), home, environment)
    made.child.start()
    try:
        wait_ready(made)
        yield made
        log = made.child.log.read_text()
        assert '"logger":"views.edge"' not in log, "a request failed in a way nobody foresaw"
        assert not SECRET.search(log), "a key or a token stands in the log"
    finally:
        made.child.kill()


@pytest.fixture(scope="session")
def worker(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    with serving(environment, tmp_path_factory.mktemp("contract")) as made:
        yield made


@pytest.fixture(scope="session")
def document(worker: Worker) -> dict[str, Any]:
    """The OpenAPI document that the worker serves."""
    with urllib.request.urlopen(f"http://127.0.0.1:{worker.port}/api-docs/openapi.json") as served:
        read: dict[str, Any] = json.load(served)
        return read


@pytest.fixture
async def api(worker: Worker, document: dict[str, Any]) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=45)) as session:
        yield Api(f"http://127.0.0.1:{worker.port}", session, Document(document))


@pytest.fixture
async def keys(environment: dict[str, str], worker: Worker) -> AsyncIterator[Keys]:
    """Makes API keys of the contract's own system."""
    store = database(environment["MONGO_URL"], environment["MONGO_DATABASE"])
    yield Keys(ApiKeys(store))
    store.client.close()


@pytest.fixture
def fresh() -> str:
    """An id that no other test has."""
    return uuid.uuid4().hex
