"""Orders a second of one worker and of two, and what holds them back: `python -m bench.scale`.

The orders are written to Kafka all at once, and go through to SHIPPED, with the simulated gateway and carrier. The rate
is that from the first order's message to the last one's last fact, by the broker's clock: they go through
stage by stage, so that a part of that time says nothing. Then the share of a core that each part used meanwhile: when
they add up to what the machine has, more workers on it can't be quicker.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from typing import NamedTuple

import orjson
import psutil
from confluent_kafka import Producer

from app.adapters.kafka_log import KafkaLog
from bench.customers import supply
from bench.fleet import PIECES
from bench.servers import Servers
from bench.standstill import AT_REST
from schemas.codec import encode
from schemas.commands import PlaceOrder

PRODUCTS = tuple(f"p{number}" for number in range(50))
WARM_UP_ORDERS = 200
LOOK_EVERY_S = 0.25
SHIPPED = "order.shipped.v1"


class Used(NamedTuple):
    """Seconds of CPU that each part has used so far."""

    workers: float
    kafka: float
    mongod: float
    machine: float


def used(servers: Servers) -> Used:
    """As of now; the machine's counts everything on it."""

    def of(pid: int) -> float:
        times = psutil.Process(pid).cpu_times()
        return float(times.user + times.system)

    all_cpus = psutil.cpu_times()
    return Used(
        sum(of(worker.child.pid) for worker in servers.workers),
        of(servers.kafka.pid),
        of(servers.mongo.pid),
        float(sum(all_cpus) - all_cpus.idle - all_cpus.iowait - all_cpus.guest - all_cpus.guest_nice),
    )


def place(bootstrap: str, first: int, count: int) -> None:
    """Write so many orders of one piece each to Kafka."""
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "acks": "all"})
    for number in range(first, first + count):
        order_id = f"s{number}"
        items = ((PRODUCTS[number % len(PRODUCTS)], 1),)
        message = PlaceOrder(order_id, user_id="u", items=items, fingerprint=order_id)
        producer.produce("orders", encode(message), order_id.encode())
        producer.poll(0)
    producer.flush()


async def span(bootstrap: str, first: int, end: int) -> tuple[int, int, int]:
    """When the first of these orders was placed and the last came to rest, in ms since 1970, and how many were shipped.

    Raises `RuntimeError` when one is not at rest.
    """
    wanted = {f"s{number}".encode() for number in range(first, end)}
    placed_ms: list[int] = []
    ended: dict[bytes, tuple[int, str]] = {}
    log = KafkaLog(bootstrap, "bench")
    try:
        async for batch in log.batches("orders", log.spans("orders")):
            placed_ms += [record.timestamp for record in batch if record.key in wanted]
        async for batch in log.batches("orders.events", log.spans("orders.events")):
            for record in batch:
                if record.key in wanted and record.value is not None:
                    kind = orjson.loads(record.value)["__faust"]["ns"]
                    if kind in AT_REST:
                        ended.setdefault(record.key, (record.timestamp, kind))
    finally:
        log.close()
    if len(ended) < len(wanted):
        raise RuntimeError(f"{len(wanted) - len(ended)} orders are not at rest")
    shipped = sum(kind == SHIPPED for _, kind in ended.values())
    return min(placed_ms), max(at_ms for at_ms, _ in ended.values()), shipped


async def at_rest(servers: Servers) -> None:
    """Wait until no worker has anything left, without reading the log, which would cost what is measured."""
    before = -1
    while True:
        held = [it for worker in servers.workers for it in worker.ask("/cluster/worker").get("partitions", ())]
        finished = held and all(it["lag"] == 0 for it in held)  # None: a worker that is busy does not know
        ends = sum(it["end"] for it in held) if finished else -1
        if ends >= 0 and ends == before:
            return  # and nothing was sent while one after the other was asked
        before = ends
        await asyncio.sleep(LOOK_EVERY_S)


async def measure(workers: int, orders: int) -> float:
    """One run; prints its line, and returns the orders a second."""
    with Servers() as servers:
        for _ in range(workers):
            servers.add()
        await supply(servers.workers[0].url, PRODUCTS, PIECES)
        place(servers.kafka.bootstrap, 0, WARM_UP_ORDERS)
        await at_rest(servers)
        before, began_s = used(servers), time.monotonic()
        place(servers.kafka.bootstrap, WARM_UP_ORDERS, orders)
        await at_rest(servers)
        after, took_s = used(servers), time.monotonic() - began_s
        placed_ms, ended_ms, shipped = await span(servers.kafka.bootstrap, WARM_UP_ORDERS, WARM_UP_ORDERS + orders)
    rate = orders / ((ended_ms - placed_ms) / 1000)
    shares = [(late - early) / took_s for early, late in zip(before, after, strict=True)]
    print(
        f"| {workers} | {rate:.0f} | {shipped} | {1000 * (after.workers - before.workers) / orders:.1f} | "
        + " | ".join(f"{share:.2f}" for share in shares)
        + " |",
        flush=True,
    )
    return rate


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=10_000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    chosen = parser.parse_args()
    print(f"{chosen.orders} orders, {os.cpu_count()} cores", flush=True)
    print(
        "| workers | orders/s | shipped | worker ms an order | cores: workers | Kafka | mongod | all that ran |",
        flush=True,
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    rates = [asyncio.run(measure(workers, chosen.orders)) for workers in chosen.workers]
    if len(rates) > 1:
        print(f"{chosen.workers[-1]} workers do {rates[-1] / rates[0]:.2f} times what {chosen.workers[0]} does")


if __name__ == "__main__":
    main()
