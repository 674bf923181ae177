"""The same orders and faults with plain Faust in place of the delivery layer: the same audit finds what is lost."""

import asyncio
import threading
import time
from pathlib import Path

import pytest
from confluent_kafka import Producer

from app.embedded.kafka import KafkaSoftware
from schemas.codec import encode
from schemas.commands import PlaceOrder
from tests.chaos import aftermath
from tests.chaos.system import SESSION_S, System

RATE_PER_S = 20
MOST_ROUNDS = 4
LOSSES = {
    "ROW_MISSING",
    "ROW_DIFFERS",
    "ROW_WITHOUT_CAUSE",
    "COMMAND_LOST",
    "ANSWER_LOST",
    "FACT_MISSING",
    "NOT_PARKED",
}
PLAIN, OURS = "tests.chaos.plain_app", "tests.chaos.slow_app"
SUPPLIED = {f"p{number}": 100_000 for number in range(10)}


class Orders:
    """Places orders by topic, as a worker's view does, until `stop`."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "partitioner": "murmur2_random"})
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="orders")
        self._thread.start()

    def _run(self) -> None:
        began, sent = time.monotonic(), 0
        while not self._stop.is_set():
            while sent < (time.monotonic() - began) * RATE_PER_S:
                items = ((f"p{sent % 10}", 1), (f"p{(sent + 3) % 10}", 2))
                order = PlaceOrder(f"c{sent}", "chaos", items, f"c{sent}")
                self._producer.produce("chaos.orders", encode(order), order.order_id.encode())
                sent += 1
            self._producer.poll(0.01)

    def stop(self) -> None:
        """Place no more; all that were placed are in the log then."""
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(30) == 0


class Torment:
    """Two workers of an app under a steady load of orders, killed in turn. A context manager."""

    def __init__(self, home: Path, software: KafkaSoftware, mongod: Path, module: str) -> None:
        self.system = System(home, software, mongod, workers=1, GATEWAY_DELAY_S="0")
        self._module = module

    def __enter__(self) -> "Torment":
        self.system.__enter__()
        asyncio.run(aftermath.supply(self.system.urls, SUPPLIED))
        self.system.term(0)  # it has made the topics and filled the warehouse
        self._victims = [self.system.add(self._module) for _ in range(2)]
        for victim in self._victims:
            self.system.workers[victim].wait_ready()
        self.orders = Orders(self.system.kafka.bootstrap)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.orders.stop()
        finally:
            self.system.close()

    def round(self) -> None:
        """Kill the one, let the other take over, and wait until the first is back."""
        victim = self._victims[0]
        self._victims.reverse()
        self.system.rest(3)
        self.system.kill(victim)
        self.system.rest(SESSION_S + 3)
        self.system.start(victim)
        self.system.workers[victim].wait_ready()
        self.system.rest(3)


@pytest.mark.chaos
@pytest.mark.timeout(420)
def test_plain_faust_is_caught(tmp_path: Path, kafka_software: KafkaSoftware, mongod_executable: Path) -> None:
    rounds = 0
    with Torment(tmp_path / "plain", kafka_software, mongod_executable, PLAIN) as plain:
        while not (found := aftermath.audit(plain.system)["differences"]):
            assert rounds < MOST_ROUNDS, "plain Faust has lost nothing, so this shows nothing"
            plain.round()
            rounds += 1
    assert rounds > 0, "a difference before any fault is one of this comparison itself"
    assert {it["kind"] for it in found} <= LOSSES

    with Torment(tmp_path / "ours", kafka_software, mongod_executable, OURS) as ours:
        for _ in range(rounds):
            ours.round()
        ours.orders.stop()
        report, _ = aftermath.await_rest(ours.system, time.monotonic() + 60)
    assert (report["differences"], aftermath.at_rest(report)) == ([], True)
    assert report["orders"] > RATE_PER_S * 4
