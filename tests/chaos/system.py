"""The system under chaos: a broker, a database and workers of its own, and when each worker could not be reached.

Everything here is called from the main thread: a child lives only as long as the thread that started it.
"""

import os
import signal
import socket
import time
from collections import Counter
from pathlib import Path

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.workers import make_worker
from tests.integration.worker_process import WorkerProcess, answers_ready

SESSION_S = 6.0
TICK_S = 0.1
SLACK_S = 2.0
"""How long before it was noticed a worker may have been gone, and after its start may still refuse a connection."""

SETTINGS = {
    "SESSION_TIMEOUT_S": f"{SESSION_S:.0f}",
    "HEARTBEAT_INTERVAL_S": "1",
    "GATEWAY_DELAY_S": "0.02",
    "GATEWAY_SLOW_S": "3",
    "GATEWAY_FAILURE_RATE": "0.02",
    "CARRIER_FAILURE_RATE": "0.02",
    "APP_ID": "chaos",
    "MONGO_DATABASE": "chaos",
    "TOPIC_PREFIX": "chaos.",
    "PYTHONUNBUFFERED": "1",
}


class System:
    """`workers` workers on a Kafka and a MongoDB of their own under `home`; a context manager that ends all of it.

    `settings` are told to the workers beside `SETTINGS`.
    """

    def __init__(self, home: Path, software: KafkaSoftware, mongod: Path, workers: int, **settings: str) -> None:
        self.kafka = EmbeddedKafka(home / "kafka", software)
        self.mongo = EmbeddedMongod(home / "mongod", mongod)
        self.workers: list[WorkerProcess] = []
        self.ended_alone: Counter[int] = Counter()  # by exit code
        self.slow_to_end: list[str] = []
        self._home = home
        self._settings = {**SETTINGS, **settings}
        self._first = workers
        self._wanted: set[int] = set()
        self._gone: dict[int, list[tuple[float, float]]] = {}
        self._since: dict[int, float] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What workers and commands are told."""
        return {**os.environ, **self._settings, "KAFKA_URL": self.kafka.url, "MONGO_URL": self.mongo.url}

    @property
    def urls(self) -> list[str]:
        """The addresses of all workers there ever were."""
        return [worker.url for worker in self.workers]

    def __enter__(self) -> "System":
        try:
            self.kafka.start()
            self.mongo.start()
            for _ in range(self._first):
                self.add()
            for worker in self.workers:
                worker.wait_ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything at once."""
        for worker in self.workers:
            worker.kill()
        self.mongo.kill()
        self.kafka.kill()

    def add(self, module: str = "app.main") -> int:
        """One more worker of the app in `module`; returns its number, from 0."""
        made = make_worker(len(self.workers) + 1, free_port(), self._home, self.environment, module)
        self.workers.append(WorkerProcess(made.child, made.port, answers_ready))
        number = len(self.workers) - 1
        self.start(number)
        return number

    def start(self, number: int) -> None:
        """Start the worker without waiting for it."""
        self._since.setdefault(number, time.monotonic())
        self._wanted.add(number)
        self.workers[number].start()

    def kill(self, number: int) -> None:
        """SIGKILL."""
        self._leave(number)
        self.workers[number].kill()

    def term(self, number: int) -> None:
        """SIGTERM; a worker that has not ended after half a minute is noted, and killed."""
        self._leave(number)
        if not self.workers[number].child.stop(30.0):
            self.slow_to_end.append(f"worker {number + 1} did not end within 30 s of SIGTERM")

    def pause(self, number: int) -> None:
        """SIGSTOP."""
        self._since.setdefault(number, time.monotonic())
        self.workers[number].pause()

    def resume(self, number: int) -> None:
        """SIGCONT."""
        self.workers[number].resume()

    def signal_mongo(self, what: signal.Signals) -> None:
        """Let the database, and with it the gateway, stand still or go on."""
        os.kill(self.mongo.pid, what)

    def living(self) -> list[int]:
        """The workers that should be running now and are."""
        return sorted(number for number in self._wanted if self.workers[number].alive)

    def rest(self, seconds: float) -> None:
        """Let time pass, and start again what ended by itself."""
        until = time.monotonic() + seconds
        while True:
            self._look()
            if time.monotonic() >= until:
                return
            time.sleep(TICK_S)

    def was_away(self, url: str, begin: float, end: float) -> bool:
        """Whether the worker could not be reached at some time between these two, by the monotonic clock."""
        number = self.urls.index(url)
        spans = [*self._gone.get(number, ()), *([(self._since[number], end)] if number in self._since else [])]
        return any(since - SLACK_S <= end and begin <= until + SLACK_S for since, until in spans)

    def _leave(self, number: int) -> None:
        self._wanted.discard(number)
        self._since.setdefault(number, time.monotonic())

    def _look(self) -> None:
        for number in sorted(self._wanted):
            worker = self.workers[number]
            if not worker.alive:
                self.ended_alone[worker.child.exit_code or 0] += 1
                self.start(number)
            elif number in self._since and not _paused(worker.pid) and _listens(worker.port):
                self._gone.setdefault(number, []).append((self._since.pop(number), time.monotonic()))


def _paused(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rsplit(")", 1)[1].split()[0] == "T"


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=0.5).close()
    except OSError:
        return False
    return True
