"""A steady load of countable messages, and the proof that each was counted once."""

import json
import random
import threading
import time
from collections import Counter
from typing import Any, NamedTuple

from harness import Broker, wait_until

KEYS = 400
MESSAGES_A_KEY = 40


class Load:
    """Produces messages with ids 0, 1, 2… at `rate` a second from a thread of its own, until `stop`."""

    def __init__(self, broker: Broker, topic: str, rate: int = 1000) -> None:
        self._producer = broker.producer(**{"message.timeout.ms": 120_000})
        self._topic = topic
        self._rate = rate
        self._stop = threading.Event()
        self._random = random.Random(topic)
        self.sent = 0
        self._thread = threading.Thread(target=self._run, name="load")
        self._thread.start()

    def _run(self) -> None:
        started = time.monotonic()
        while not self._stop.is_set():
            due = int((time.monotonic() - started) * self._rate)
            while self.sent < due:
                # Keys retire after a while, so that rows stay small.
                key = f"k{self._random.randrange(KEYS) + self.sent // (MESSAGES_A_KEY * KEYS) * KEYS}"
                self._producer.produce(self._topic, key=key, value=json.dumps({"id": self.sent}))
                self.sent += 1
            self._producer.poll(0.01)

    def stop(self) -> int:
        """Stop, wait for the broker to have everything, and return how many were sent."""
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(60) == 0
        return self.sent


class Outcome(NamedTuple):
    """What became of a load: every count but `answers_repeated` and `rows_overtaken` should be zero."""

    answers_lost: int
    rows_lost: int
    counted_twice: int
    answers_repeated: int
    rows_overtaken: int


def outcome(broker: Broker, app_id: str, sent: int, table: str = "counts") -> Outcome:
    """Read the topics as they are now."""
    answers = Counter(json.loads(record.value or b"")["id"] for record in broker.read(f"{app_id}-out"))
    newest: dict[bytes, Any] = {}
    last: dict[bytes, Any] = {}
    for record in broker.read(f"{app_id}-{table}-changelog"):
        row = last[record.key] = json.loads(record.value or b"")
        if row["version"] >= newest.get(record.key, row)["version"]:
            newest[record.key] = row
    counted = Counter(i for row in newest.values() for i in row["ids"])
    everything = set(range(sent))
    return Outcome(
        answers_lost=len(everything - set(answers)),
        rows_lost=len(everything - set(counted)),
        counted_twice=sum(counted.values()) - len(counted),
        answers_repeated=sum(answers.values()) - len(answers),
        rows_overtaken=sum(last[key]["version"] < newest[key]["version"] for key in newest),
    )


def wait_drained(broker: Broker, app_id: str, timeout_s: float = 60.0) -> None:
    """Wait until the group has committed everything."""
    wait_until(lambda: broker.lag(app_id, f"{app_id}-in") == 0, timeout_s, "everything is committed")


def wait_still(broker: Broker, app_id: str, timeout_s: float = 60.0, still_s: float = 4.0) -> int:
    """Wait until the group commits no more, and return what it has left uncommitted."""
    last, since = -1, time.monotonic()

    def still() -> bool:
        nonlocal last, since
        lag = broker.lag(app_id, f"{app_id}-in")
        if lag != last:
            last, since = lag, time.monotonic()
        return time.monotonic() - since > still_s

    wait_until(still, timeout_s, "the group commits no more")
    return last
