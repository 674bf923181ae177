"""The system under chaos: a broker, a database and workers of its own, and when each of them could not be reached.

Everything here is called from the main thread: a child lives only as long as the thread that started it.
"""

import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.workers import make_worker
from tests.chaos.watch import Span, Watch
from tests.integration.worker_process import WorkerProcess, answers_ready

SESSION_S = 6.0
TICK_S = 0.1

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
        self.broker_away: list[Span] = []
        self._home = home
        self._settings = {**SETTINGS, **settings}
        self._first = workers
        self._wanted: set[int] = set()
        self._watches: list[Watch] = []

    @property
    def environment(self) -> dict[str, str]:
        """What workers and commands are told."""
        return {**os.environ, **self._settings, "KAFKA_URL": self.kafka.url, "MONGO_URL": self.mongo.url}

    @property
    def urls(self) -> list[str]:
        """The addresses of the workers that can be reached now; any thread may ask."""
        return [worker.url for worker, watch in zip(self.workers, self._watches, strict=False) if watch.reachable]

    def __enter__(self) -> "System":
        try:
            self.kafka.start()
            self.mongo.start()
            for _ in range(self._first):
                self.add()
            for worker in self.workers:
                worker.wait_ready()
            while len(self.urls) < self._first:
                time.sleep(TICK_S)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End everything at once."""
        for watch in self._watches:
            watch.stop()
        for worker in self.workers:
            worker.kill()
        self.mongo.kill()
        self.kafka.kill()

    def add(self, module: str = "app.main") -> int:
        """One more worker of the app in `module`; returns its number, from 0."""
        made = make_worker(len(self.workers) + 1, free_port(), self._home, self.environment, module)
        self.workers.append(WorkerProcess(made.child, made.port, answers_ready))
        self._watches.append(Watch(self.workers[-1]))
        number = len(self.workers) - 1
        self.start(number)
        self._watches[number].start()
        return number

    def start(self, number: int) -> None:
        """Start the worker without waiting for it."""
        self._wanted.add(number)
        self.workers[number].start()
        self._watches[number].expect()

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
        self._watches[number].leave()
        self.workers[number].pause()

    def resume(self, number: int) -> None:
        """SIGCONT."""
        self.workers[number].resume()
        self._watches[number].expect()

    @contextmanager
    def without_broker(self) -> Iterator[None]:
        """Notes that the broker is about to be taken away, and starts it again at the end."""
        began = time.monotonic()
        yield
        self.kafka.start()
        self.broker_away.append(Span(began, time.monotonic()))

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
            for number in sorted(self._wanted):
                if not self.workers[number].alive:
                    self.ended_alone[self.workers[number].child.exit_code or 0] += 1
                    self.start(number)
            if time.monotonic() >= until:
                return
            time.sleep(TICK_S)

    def was_away(self, url: str, began: float, ended: float) -> bool:
        """Whether the worker could not be reached at some time between these two, by the monotonic clock."""
        numbers = {worker.url: number for number, worker in enumerate(self.workers)}
        return self._watches[numbers[url]].was_away(began, ended)

    def _leave(self, number: int) -> None:
        self._wanted.discard(number)
        self._watches[number].leave()
