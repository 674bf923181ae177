"""What is seen of a fault from outside: each row of the table in `docs/operations.md`, brought about and looked at."""

from __future__ import annotations

import http.client
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import pytest
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod

HERE = Path(__file__).parent
OPERATIONS = HERE.parents[1] / "docs" / "operations.md"
PROBES = ("/health/live", "/health/ready", "/health")
SESSION_S = 6.0
DEADLINE_S = 30.0
NO_ANSWER = "no answer"


class Row(NamedTuple):
    """What the table says of one fault: a cell a probe, then the log, then the metrics."""

    fault: str
    probes: tuple[str, ...]
    log: list[str]
    metrics: list[str]


def rows() -> list[Row]:
    """The table below the heading, in its order."""
    section = OPERATIONS.read_text().split("## What is seen of a fault\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    made = []
    for line in lines:
        fault, *probes, log, metrics = (cell.strip() for cell in line.strip("|").split("|"))
        made.append(Row(fault, tuple(probes), re.findall(r"`([^`]+)`", log), re.findall(r"`([^`]+)`", metrics)))
    return made


TABLE = {row.fault: row for row in rows()}


class World(NamedTuple):
    worker: WorkerProcess
    kafka: EmbeddedKafka
    mongo: EmbeddedMongod
    mortal: Path


@pytest.fixture
def world(
    worker_factory: WorkerFactory, kafka_software: KafkaSoftware, mongod_executable: Path, tmp_path: Path
) -> Iterator[World]:
    """A worker, and parts that may be taken away."""
    with (
        EmbeddedKafka(tmp_path / "broker", kafka_software) as kafka,
        EmbeddedMongod(tmp_path / "database", mongod_executable) as mongo,
    ):
        told = {
            "KAFKA_URL": kafka.url,
            "MONGO_URL": mongo.url,
            "MORTAL": str(tmp_path / "mortal"),
            "SESSION_TIMEOUT_S": str(SESSION_S),
        }
        yield World(worker_factory("mortal_app", path=HERE, environment=told), kafka, mongo, tmp_path / "mortal")


def asked(worker: WorkerProcess, path: str) -> tuple[int, str] | None:
    """Status and body; None when there is no answer."""
    with closing(http.client.HTTPConnection("127.0.0.1", worker.port, timeout=4)) as connection:
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except OSError:
            return None


def probed(worker: WorkerProcess, path: str) -> str:
    """As the table has it."""
    answer = asked(worker, path)
    return NO_ANSWER if answer is None else f"`{answer[0]}` `{json.loads(answer[1])['status']}`"


def differences(row: Row, worker: WorkerProcess) -> list[str]:
    """What is not as the table says."""
    wrong = []
    for path, expected in zip(PROBES, row.probes, strict=True):
        found = probed(worker, path)
        if found != expected:
            wrong.append(f"{path}: {found}, not {expected}")
    log = worker.log()
    wrong += [f"the log lacks {text!r}" for text in row.log if text not in log]
    metrics = asked(worker, "/metrics")
    if row.metrics and metrics is None:
        wrong.append("/metrics: no answer")
    for sample in row.metrics:
        name, value = sample.split(" ")
        if metrics is not None and not re.search(rf"^{re.escape(name)} {value}\.0$", metrics[1], re.MULTILINE):
            wrong.append(f"/metrics does not say {sample}")
    return wrong


def nothing(_: World) -> None:
    """All is well."""


def end_an_agent(world: World) -> None:
    world.mortal.touch()


FAULTS: dict[str, Callable[[World], None]] = {
    "none": nothing,
    "Kafka is away": lambda world: world.kafka.kill(),
    "MongoDB is away": lambda world: world.mongo.kill(),
    "an agent has ended": end_an_agent,
    "the worker stands still (`kill -STOP`)": lambda world: world.worker.pause(),
}


def test_the_table_has_all_of_them() -> None:
    assert list(TABLE) == list(FAULTS)


@pytest.mark.parametrize("fault", list(FAULTS))
def test_it_is_seen_as_the_table_says(world: World, fault: str) -> None:
    FAULTS[fault](world)
    deadline_s = time.monotonic() + DEADLINE_S
    while wrong := differences(TABLE[fault], world.worker):
        assert time.monotonic() < deadline_s, wrong
        time.sleep(0.2)


def test_a_worker_that_stood_still_leaves_when_it_goes_on(world: World) -> None:
    world.worker.pause()
    time.sleep(SESSION_S + 1)
    world.worker.resume()
    deadline_s = time.monotonic() + DEADLINE_S
    while world.worker.alive:
        assert time.monotonic() < deadline_s
        time.sleep(0.05)
    assert world.worker.child.exit_code == 17
    assert "stood still for" in world.worker.log()
