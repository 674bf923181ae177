"""HTTP: requests a second at 64 connections, quiet and under load; and orders at open rates, placed to shipped."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from bench.beside import beside
from bench.feed import Feed, orders, products
from bench.figures import latencies, percentiles
from bench.house import PARTITIONS, House, System
from bench.processes import Usage

KNOWN = 1000
LOAD_IN_THE_AIR = 500
KINDS = ("order", "stock", "post")
SHIPPED = b'"ns":"order.shipped.v1"'


@dataclass(frozen=True, slots=True)
class Answers:
    """One kind of request: how many a second, how long they took, and what each cost the worker and the client."""

    per_s: float
    latency_ms: dict[str, float]
    statuses: dict[str, int]
    worker_us: float
    client_us: float


@dataclass(frozen=True, slots=True)
class Pace:
    """An open rate of orders: from when each was due to its `201`, and to when it was told to be shipped."""

    rate_per_s: float
    statuses: dict[str, int]
    answered_ms: dict[str, float]
    shipped_ms: dict[str, float]
    worker_us: float


def ask(system: System, kind: str, *options: str) -> dict[str, Any]:
    """Run the client to its end, and return its report."""
    command = [sys.executable, "-m", "bench.client", kind, "--port", str(system.port), "--prefix", system.name]
    done = subprocess.run([*command, "--known", str(KNOWN), *options], capture_output=True, check=False, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"the client failed:\n{done.stderr[-2000:]}")
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def requests(house: House, seconds: float) -> dict[str, Answers]:
    """Every kind of request, quiet, and again while orders come in from Kafka as fast as they are settled."""
    found: dict[str, Answers] = {}
    with stocked(house) as (system, feed):
        for kind in KINDS:
            found[f"{kind}, quiet"] = _answers(system, kind, seconds)
        with _load(feed):
            for kind in KINDS:
                found[f"{kind}, under load"] = _answers(system, kind, seconds)
    return found


def paces(house: House, rates: tuple[float, ...], seconds: float) -> list[Pace]:
    """Orders over HTTP at each of these rates."""
    with stocked(house) as (system, _):
        return [_pace(system, rate, seconds) for rate in rates]


def _answers(system: System, kind: str, seconds: float) -> Answers:
    before = Usage.now(system.pids())
    told = ask(system, kind, "--seconds", str(seconds))
    used = Usage.now(system.pids()).since(before)
    count = sum(told["statuses"].values())
    worker_us = used.by_name["worker 1"] / count * 1e6
    return Answers(told["per_s"], told["latency_ms"], told["statuses"], worker_us, told["client_us"])


def _pace(system: System, rate: float, seconds: float) -> Pace:
    before = Usage.now(system.pids())
    told = ask(system, "post", "--rate", str(rate), "--seconds", str(seconds))
    used = Usage.now(system.pids()).since(before)
    shipped = shipped_at(system, set(told["due"]))
    shipped_ms = [it * 1000 for it in latencies(told["due"], shipped)]
    worker_us = used.by_name["worker 1"] / len(told["due"]) * 1e6
    return Pace(rate, told["statuses"], told["latency_ms"], percentiles(shipped_ms), worker_us)


def shipped_at(system: System, order_ids: set[str], timeout_s: float = 60.0) -> dict[str, float]:
    """When each order was told to be shipped, by the broker's clock: seconds since 1970."""
    reader = Consumer({"bootstrap.servers": system.house.kafka.bootstrap, "group.id": "bench"})
    reader.assign([TopicPartition(system.topic("orders.events"), number, 0) for number in range(PARTITIONS)])
    found: dict[str, float] = {}
    deadline_s = time.monotonic() + timeout_s
    try:
        while len(found) < len(order_ids) and time.monotonic() < deadline_s:
            for message in reader.consume(5000, 0.5):
                key, value = (message.key() or b"").decode(), message.value() or b""
                if SHIPPED in value and key in order_ids:
                    found.setdefault(key, message.timestamp()[1] / 1000)
    finally:
        reader.close()
    return found


@contextmanager
def stocked(
    house: House, module: str = "app.main", environment: Mapping[str, str] | None = None
) -> Iterator[tuple[System, Feed]]:
    """A warm system with products, and orders to be read; its worker is the app of this module."""
    with house.system() as system:
        system.start_worker(module, environment)
        product_ids = products(100)
        feed = Feed(system, orders(system.name, 1, product_ids), 1)
        feed.supply(product_ids)
        feed.place(KNOWN)
        feed.finish()
        yield system, feed


def _load(feed: Feed) -> AbstractContextManager[None]:
    def keep(over: threading.Event) -> None:
        for _ in feed.keep(LOAD_IN_THE_AIR):
            if over.is_set():
                return

    return beside(keep)
