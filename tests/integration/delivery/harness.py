"""Workers as processes, and the topics they read and write, as a test sees them."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from app.delivery.librdkafka import BACK_SOON
from app.embedded.ports import free_port
from app.embedded.processes import tied

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
LOADING = {
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
}


class Record(NamedTuple):
    partition: int
    offset: int
    key: bytes
    value: bytes | None
    headers: list[tuple[str, bytes]]


def wait_until(condition: Callable[[], Any], timeout_s: float, what: str) -> Any:
    """Poll until the condition is true, and return what it returned."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {timeout_s} s")


class Broker:
    """The topics of one test."""

    def __init__(self, bootstrap: str) -> None:
        self.bootstrap = bootstrap

    def create(self, *names: str, partitions: int = 4, config: dict[str, str] | None = None) -> None:
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topics = [NewTopic(name, partitions, 1, config=config or {}) for name in names]
        for made in admin.create_topics(topics).values():
            made.result(timeout=30)

    def producer(self, **settings: Any) -> Producer:
        return Producer(
            {
                "bootstrap.servers": self.bootstrap,
                "acks": "all",
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                **BACK_SOON,
                "queue.buffering.max.messages": 1_000_000,
                **settings,
            }
        )

    def produce(self, topic: str, records: Iterable[tuple[bytes, bytes]]) -> None:
        producer = self.producer()
        for key, value in records:
            producer.produce(topic, key=key, value=value)
            producer.poll(0)
        assert producer.flush(60) == 0

    def read(self, topic: str) -> list[Record]:
        """All that is in the topic now."""
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "reader", "enable.auto.commit": False})
        try:
            records: list[Record] = []
            left = {p: end for p, end in self._ends(reader, topic).items() if end}
            reader.assign([TopicPartition(topic, partition, 0) for partition in left])
            while left:
                for message in reader.consume(5000, 1.0):
                    assert message.error() is None, message.error()
                    partition, offset = message.partition(), message.offset()
                    records.append(Record(partition, offset, message.key(), message.value(), message.headers() or []))
                    if offset + 1 >= left.get(partition, 0):
                        left.pop(partition, None)
            return records
        finally:
            reader.close()

    def lag(self, group: str, topic: str) -> int:
        """How many records of the topic the group has not committed."""
        reader = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        try:
            ends = self._ends(reader, topic)
            asked = [TopicPartition(topic, partition) for partition in ends]
            committed = wait_until(lambda: _committed(reader, asked), 30, "the group has a coordinator")
            return sum(ends[tp.partition] - max(tp.offset, 0) for tp in committed)
        finally:
            reader.close()

    @staticmethod
    def _ends(reader: Consumer, topic: str) -> dict[int, int]:
        partitions = reader.list_topics(topic, timeout=10).topics[topic].partitions
        return {p: reader.get_watermark_offsets(TopicPartition(topic, p), timeout=10)[1] for p in partitions}


def _committed(reader: Consumer, asked: list[TopicPartition]) -> list[TopicPartition] | None:
    """What the group has committed; None while a broker that has just come back still loads its groups."""
    try:
        return reader.committed(asked, timeout=10)
    except KafkaException as error:
        if error.args[0].code() not in LOADING:
            raise
        return None


class Worker:
    """One `faust worker` process of an app module beside this file."""

    def __init__(self, directory: Path, name: str, module: str, env: dict[str, str]) -> None:
        self.name = name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = directory / f"{name}.log"
        self._env = {
            **os.environ,
            **env,
            "WEB_PORT": str(self.port),
            "DATA_DIR": str(directory / f"{name}-data"),
            "PYTHONPATH": f"{ROOT}:{HERE}",
            "PYTHONUNBUFFERED": "1",
        }
        self._command = (
            *(sys.executable, "-m", "faust", "-A", module, "-L", "uvloop"),
            *("worker", "-l", "info", "--web-host", "127.0.0.1", "--web-port", str(self.port)),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> "Worker":
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                tied(self._command), env=self._env, cwd=self._log.parent, stdout=log, stderr=subprocess.STDOUT
            )
        return self

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def get(self, path: str) -> Any:
        """The JSON of the answer, whatever its status."""
        try:
            with urllib.request.urlopen(self.url + path, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as refused:
            return json.load(refused)

    def state(self) -> dict[str, Any]:
        """What the worker says of itself; not ready when it says nothing."""
        try:
            return dict(self.get("/state"))
        except (urllib.error.URLError, OSError, ValueError):  # not there yet, or answers before its app has begun
            assert self.alive, f"{self.name} died with {self.code}: {self.log()[-3000:]}"
            return {"ready": False, "held": []}

    def wait_ready(self, timeout_s: float = 40.0) -> "Worker":
        wait_until(lambda: self.state()["ready"], timeout_s, f"{self.name} is ready")
        return self

    @property
    def process(self) -> subprocess.Popen[bytes]:
        assert self._process is not None
        return self._process

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def code(self) -> int | None:
        return self.process.poll()

    def signal(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """As a power cut: it can't say goodbye."""
        self.process.kill()
        self.process.wait()

    def term(self, timeout_s: float = 20.0) -> float:
        """Ask it to stop, and return the seconds it took."""
        started = time.monotonic()
        self.process.terminate()
        self.process.wait(timeout_s)
        return time.monotonic() - started

    def close(self) -> None:
        """Leave nothing behind, whatever happened."""
        if self.alive:
            self.signal(signal.SIGCONT)
            self.kill()


StartWorker = Callable[..., Worker]
