"""A Kafka, a MongoDB and workers of a program's own, in a folder that goes with it."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from app.embedded.api import WorkerApi, is_ready
from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod, find_mongod
from app.embedded.ports import free_port
from app.embedded.provision import provide_kafka
from app.embedded.workers import Worker, make_worker

SHARED = Path(__file__).parents[1] / ".local"
READY_TIMEOUT_S = 120.0


class Server:
    """One worker, and its address."""

    def __init__(self, worker: Worker) -> None:
        self.child = worker.child
        self.port = worker.port
        self.url = f"http://127.0.0.1:{worker.port}"

    def start(self) -> float:
        """Start it; seconds until it is ready. Raises `RuntimeError` when it ends, or takes too long."""
        began_s = time.monotonic()
        self.child.start()
        while not is_ready(self.port):
            if not self.child.alive or time.monotonic() - began_s > READY_TIMEOUT_S:
                raise RuntimeError(self.child.log_tail(60))
            time.sleep(0.01)
        return time.monotonic() - began_s

    def ask(self, path: str) -> dict[str, Any]:
        """The JSON object that it answers; an empty one if there is none."""
        api = WorkerApi(self.port)
        try:
            return api.call("GET", path)[1]
        finally:
            api.close()


class Servers:
    """`settings` are told to every worker. A context manager that leaves nothing behind."""

    def __init__(self, **settings: str) -> None:
        self._home = Path(tempfile.mkdtemp(prefix="bench-"))
        self.kafka = EmbeddedKafka(self._home / "kafka", provide_kafka(SHARED, tell=print))
        self.mongo = EmbeddedMongod(self._home / "mongod", find_mongod())
        self.workers: list[Server] = []
        self._settings = settings

    def __enter__(self) -> Self:
        try:
            self.kafka.start()
            self.mongo.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End everything at once, and drop its data."""
        for worker in self.workers:
            worker.child.kill()
        self.mongo.kill()
        self.kafka.kill()
        shutil.rmtree(self._home, ignore_errors=True)

    def make(self, **settings: str) -> Server:
        """One more worker, not started."""
        here = {"KAFKA_URL": self.kafka.url, "MONGO_URL": self.mongo.url}
        environment = {**os.environ, **self._settings, **settings, **here}
        self.workers.append(Server(make_worker(len(self.workers) + 1, free_port(), self._home, environment)))
        return self.workers[-1]

    def add(self, **settings: str) -> Server:
        """One more worker, started and ready."""
        made = self.make(**settings)
        made.start()
        return made
