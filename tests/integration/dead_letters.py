"""The commands `dlq` and `audit` in the hands of a test, and messages as another program would send them."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from confluent_kafka import Producer

from app.embedded.workers import faust_command
from schemas.codec import encode
from schemas.commands import CancelOrder, PlaceOrder
from schemas.values import Mode


class Told(NamedTuple):
    """What a command printed, and how it ended."""

    code: int
    out: str
    err: str


class Command:
    """Runs the command `name` of one app."""

    def __init__(self, name: str, environment: Mapping[str, str]) -> None:
        self._name = name
        self._environment = {**os.environ, **environment}

    def type(self, *words: str, **environment: str) -> Told:
        """As a person types it, with nobody at the terminal to ask."""
        ended = subprocess.run(
            faust_command(self._name, *words),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env={**self._environment, **environment},
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ended.stderr, ended.stderr
        return Told(ended.returncode, ended.stdout, ended.stderr)

    def __call__(self, *words: str, **environment: str) -> tuple[int, Any]:
        """With --json: the exit code, and what was printed, or the complaint."""
        told = self.type(*words, "--json", **environment)
        return told.code, json.loads(told.out) if told.out else told.err


class Dlq(Command):
    """Runs the command `dlq`."""

    def wait_for(self, count: int, *words: str) -> list[dict[str, Any]]:
        """The letters, once there are so many."""
        deadline = time.monotonic() + 60
        while True:
            code, letters = self("list", *words)
            assert code == 0, letters
            if len(letters) == count:
                return list(letters)
            assert time.monotonic() < deadline, f"{len(letters)} letters, not {count}"


class Stranger:
    """Another program: it sends what it likes, through a Kafka client of its own, with headers that say nothing."""

    HEADERS: Final = (("from", b"another program"), ("traceparent", None), ("x-replay-count", None))

    def __init__(self, bootstrap: str, prefix: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
        self._prefix = prefix

    def send(self, topic: str, *records: tuple[bytes | None, bytes | None]) -> None:
        """Send these keys and values."""
        for key, value in records:
            self._producer.produce(f"{self._prefix}{topic}", value, key, headers=list(self.HEADERS))
        assert self._producer.flush(10) == 0


def placed(order_id: str, user_id: str, mode: Mode = Mode.AUTO, quantity: int = 1) -> tuple[bytes, bytes]:
    """An order of the product 789."""
    return order_id.encode(), encode(PlaceOrder(order_id, user_id, (("789", quantity),), "f", payment_mode=mode))


def cancelled(order_id: str, reason: str) -> tuple[bytes, bytes]:
    """The order called back."""
    return order_id.encode(), encode(CancelOrder(order_id, reason=reason))
