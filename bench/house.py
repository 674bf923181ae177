"""The servers and workers that are measured: a Kafka and a mongod of the bench's own, and one system after another."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from pymongo import MongoClient

from app.embedded.api import is_ready
from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod, find_mongod
from app.embedded.ports import free_port
from app.embedded.processes import Child
from app.embedded.provision import provide_kafka
from app.embedded.workers import make_worker

SHARED = (Path(__file__).parents[1] / ".local").resolve()
PARTITIONS = 8
_READY_S = 60.0
_SERVER_JVM = ("-XX:TieredStopAtLevel=4", "-XX:ReservedCodeCacheSize=128m", "-Xms256m", "-Xmx512m")
"""A broker that is to serve, not to start quickly: its code is compiled as well as it can be."""


class House:
    """A running Kafka and mongod in a folder that is removed at the end."""

    def __init__(self, home: Path, kafka: EmbeddedKafka, mongod: EmbeddedMongod) -> None:
        self.home = home
        self.kafka = kafka
        self.mongod = mongod
        self.admin = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
        self.mongo: MongoClient[dict[str, Any]] = MongoClient(mongod.url)

    @contextmanager
    def system(self) -> Iterator[System]:
        """A system with names of its own; its workers, topics and database are gone afterwards."""
        made = System(self)
        try:
            yield made
        finally:
            made.close()


@contextmanager
def open_house() -> Iterator[House]:
    """Start both servers; stop them, and remove what they kept, at the end."""
    software = provide_kafka(SHARED, print)
    executable = find_mongod()
    home = Path(tempfile.mkdtemp(prefix="bench-"))
    try:
        with (
            EmbeddedKafka(home / "kafka", software, jvm_options=_SERVER_JVM) as kafka,
            EmbeddedMongod(home / "mongod", executable) as mongod,
        ):
            house = House(home, kafka, mongod)
            try:
                yield house
            finally:
                house.mongo.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


class System:
    """One app id, with its topics and its database, and the processes that serve it."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.name = f"bench-{uuid.uuid4().hex[:8]}"
        self.prefix = f"{self.name}."
        self.database = house.mongo[self.name]
        self.workers: list[Child] = []
        self.port = 0

    @property
    def environment(self) -> dict[str, str]:
        """The settings that make a process part of this system."""
        return {
            **os.environ,
            "KAFKA_URL": self.house.kafka.url,
            "MONGO_URL": self.house.mongod.url,
            "APP_ID": self.name,
            "TOPIC_PREFIX": self.prefix,
            "MONGO_DATABASE": self.name,
            "PARTITIONS": str(PARTITIONS),
        }

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return self.prefix + name

    def records_in(self, topic: str) -> int:
        """How many records there ever were in a topic."""
        ends = {TopicPartition(self.topic(topic), number): OffsetSpec.latest() for number in range(PARTITIONS)}
        return sum(end.result(10).offset for end in self.house.admin.list_offsets(ends).values())

    def start_worker(
        self, module: str = "app.main", environment: Mapping[str, str] | None = None, ready_s: float = _READY_S
    ) -> Child:
        """Start one more worker, and wait until it is ready; `port` is where it listens."""
        self.port = free_port()
        settings = {**self.environment, **(environment or {})}
        made = make_worker(len(self.workers) + 1, self.port, self._folder, settings, module)
        return self._started(made.child, ready_s)

    def start_program(self, module: str, environment: Mapping[str, str]) -> Child:
        """As `start_worker`, for a module of Python that is no Faust app, and is told its port by `PORT`."""
        self.port = free_port()
        settings = {**self.environment, **environment, "PORT": str(self.port)}
        command = (sys.executable, "-m", module)
        return self._started(Child(command, log=self._folder / "program.log", mark=module, env=settings))

    @property
    def _folder(self) -> Path:
        return self.house.home / self.name

    def _started(self, child: Child, ready_s: float = _READY_S) -> Child:
        self.workers.append(child)
        child.start()
        deadline_s = time.monotonic() + ready_s
        while not is_ready(self.port):
            if not child.alive or time.monotonic() > deadline_s:
                raise RuntimeError(f"not ready:\n{child.log_tail(40)}")
            time.sleep(0.05)
        return child

    def pids(self) -> dict[str, int]:
        """The processes that share the machine with the bench."""
        workers = {f"worker {number}": child.pid for number, child in enumerate(self.workers, start=1)}
        return {**workers, "kafka": self.house.kafka.pid, "mongod": self.house.mongod.pid, "bench": os.getpid()}

    def close(self) -> None:
        """Stop what runs, and delete what it kept, so that the next system finds the servers as this one did."""
        for child in self.workers:
            child.stop(20)
        topics = [name for name in self.house.admin.list_topics(timeout=10).topics if name.startswith(self.name)]
        if topics:
            for deleted in self.house.admin.delete_topics(topics, operation_timeout=30).values():
                deleted.result(30)
        self.house.mongo.drop_database(self.name)
