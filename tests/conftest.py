"""Fixtures for every test: a real broker and a real database, started when the first test asks for one.

Both begin empty in a folder of the session and live as long as it; the software they are run with is kept in `.local`
of the checkout and shared with `make run`. Tests that stop or kill a part start one of their own.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.embedded import ports
from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod, find_mongod
from app.embedded.provision import provide_kafka

SHARED = Path(__file__).parents[1] / ".local"

# It is never killed here, and serves hundreds of tests on a busy machine: what makes a broker small, and quick to come
# back, would make it look dead for a moment.
LASTING = "broker.session.timeout.ms=18000\n"
ROOMY = ("-Xmx384m",)


@pytest.fixture
def free_port() -> int:
    """A port on the loopback address that nobody listens on."""
    return ports.free_port()


@pytest.fixture(scope="session")
def kafka_software() -> KafkaSoftware:
    """What brokers are run with; fetched once a checkout."""
    return provide_kafka(SHARED, tell=print)


@pytest.fixture(scope="session")
def mongod_executable() -> Path:
    """The mongod that databases are run with."""
    return find_mongod()


@pytest.fixture(scope="session")
def kafka(kafka_software: KafkaSoftware, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedKafka]:
    """The session's broker, running. Topics are the tests' own: use names that no other test has."""
    directory = tmp_path_factory.mktemp("kafka")
    with EmbeddedKafka(directory, kafka_software, jvm_options=ROOMY, properties=LASTING) as broker:
        yield broker
    shutil.rmtree(directory / "data")


@pytest.fixture(scope="session")
def mongo(mongod_executable: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedMongod]:
    """The session's MongoDB, running. Databases are the tests' own: use names that no other test has."""
    directory = tmp_path_factory.mktemp("mongod")
    with EmbeddedMongod(directory, mongod_executable) as server:
        yield server
    shutil.rmtree(directory / "data")
