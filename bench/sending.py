"""What a record costs to send, and how soon it is acknowledged: by our sender, and by librdkafka's producer beside it.

    .venv/bin/python -m bench.sending

Slices of records to partitions chosen by chance, as a worker sends them; each client in a process of its own, in turn.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection
from typing import Any, Final, TypeAlias

import uvloop
from confluent_kafka import Producer
from confluent_kafka.cimpl import NewTopic
from rich.console import Console
from rich.table import Table

from app.delivery.brokers import Brokers
from app.delivery.produce import Place
from app.delivery.security import OPEN
from app.delivery.sender import Sender
from bench.feed import producer_settings
from bench.figures import percentile
from bench.house import House, open_house
from bench.processes import cpu_s

TOPICS: Final = [f"topic-{number}" for number in range(10)]
PARTITIONS: Final = 8
VALUE: Final = os.urandom(400)
ROUNDS, SECONDS, WARM_S = 3, 6.0, 1.0
LOADS: Final = [(100, 3), (600, 3), (2400, 3), (60, 100), (1_000_000, 100)]
"""Slices a second, and records in each; the last is more than can be done."""
MOST_OPEN: Final = 300
POLL_S: Final = 0.001

Send: TypeAlias = Callable[[Place, Callable[..., None]], None]
Close: TypeAlias = Callable[[], Awaitable[None]]


def _ours(bootstrap: str) -> tuple[Send, Close]:
    async def never(_waited_s: float) -> str:
        return "the broker does not answer"

    sender = Sender(Brokers(bootstrap, OPEN, TOPICS, 10.0), 10.0, never)
    return lambda place, told: sender.send(place, [(b"key-1234567890", VALUE, ())], told), sender.close


def _librdkafka(bootstrap: str) -> tuple[Send, Close]:
    producer = Producer(producer_settings(bootstrap) | {"acks": "all", "batch.size": 1_000_000})

    async def poll() -> None:
        while True:
            producer.poll(0)
            await asyncio.sleep(POLL_S)

    polling = asyncio.ensure_future(poll())

    async def close() -> None:
        polling.cancel()

    def send(place: Place, told: Callable[..., None]) -> None:
        producer.produce(place[0], VALUE, b"key-1234567890", place[1], told)

    return send, close


CLIENTS: Final = {"librdkafka": _librdkafka, "ours": _ours}


async def _slices(client: str, bootstrap: str, rate: float, size: int, seconds: float) -> dict[str, Any]:
    send, close = CLIENTS[client](bootstrap)
    chance, waited_s, open_slices = random.Random(1), list[float](), set[asyncio.Task[None]]()

    async def one() -> None:
        began_s, left = time.perf_counter(), size
        ended = asyncio.get_running_loop().create_future()

        def told(error: Any, *_: Any) -> None:
            nonlocal left
            left -= 1
            if error is not None:
                ended.set_exception(RuntimeError(str(error)))
            elif not left:
                ended.set_result(None)

        for _ in range(size):
            send((chance.choice(TOPICS), chance.randrange(PARTITIONS)), told)
        await ended
        waited_s.append(time.perf_counter() - began_s)

    async def run(for_s: float) -> None:
        began_s, number = time.perf_counter(), 0
        while (passed_s := time.perf_counter() - began_s) < for_s:
            while number < passed_s * rate and len(open_slices) < MOST_OPEN:
                task = asyncio.ensure_future(one())
                open_slices.add(task)
                task.add_done_callback(open_slices.discard)
                number += 1
            await asyncio.sleep(POLL_S if rate < LOADS[-1][0] else 0)
        await asyncio.gather(*open_slices)

    await run(WARM_S)
    waited_s.clear()
    cpu, began_s = time.process_time(), time.perf_counter()
    await run(seconds)
    took_s, used_s = time.perf_counter() - began_s, time.process_time() - cpu
    await close()
    records = size * len(waited_s)
    return {
        "records": records,
        "rate": records / took_s,
        "cpu_us": used_s / records * 1e6,
        "p50_ms": percentile(waited_s, 50) * 1000,
        "p99_ms": percentile(waited_s, 99) * 1000,
    }


def _client(told: Connection, client: str, bootstrap: str, rate: float, size: int, seconds: float) -> None:
    told.send(uvloop.run(_slices(client, bootstrap, rate, size, seconds)))


def measured(house: House, client: str, rate: float, size: int, seconds: float) -> dict[str, float]:
    """One client under one load."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_client, args=(there, client, house.kafka.bootstrap, rate, size, seconds))
    before = cpu_s(house.kafka.pid)
    process.start()
    there.close()
    found: dict[str, float] = here.recv()
    found["kafka_us"] = (cpu_s(house.kafka.pid) - before) / found["records"] / (1 + WARM_S / seconds) * 1e6
    process.join()
    return found


def main() -> None:
    console = Console(highlight=False, width=120)
    with open_house() as house:
        made = house.admin.create_topics([NewTopic(topic, PARTITIONS, 1) for topic in TOPICS])
        for topic in made.values():
            topic.result()
        for client in CLIENTS:  # a broker's code is compiled by then
            measured(house, client, *LOADS[-1], 10.0)
            measured(house, client, *LOADS[2], 10.0)
        runs: dict[tuple[tuple[int, int], str], list[dict[str, float]]] = {}
        for _ in range(ROUNDS):
            for load in LOADS:
                for client in CLIENTS:
                    runs.setdefault((load, client), []).append(measured(house, client, *load, SECONDS))
    table = Table("slices x records a second", "client", "records/s", "client µs", "Kafka µs", "p50 ms", "p99 ms")
    for ((rate, size), client), found in runs.items():
        medians = {name: sorted(run[name] for run in found)[ROUNDS // 2] for name in found[0]}
        load = f"{rate} x {size}" if rate < LOADS[-1][0] else f"as many as go, of {size}"
        shown = (f"{medians[name]:.1f}" for name in ("cpu_us", "kafka_us", "p50_ms", "p99_ms"))
        table.add_row(load, client, f"{medians['rate']:.0f}", *shown)
    console.print(table)


if __name__ == "__main__":
    main()
