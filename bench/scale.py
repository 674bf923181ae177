"""Orders a second of one worker and of two, and what holds them back: `python -m bench.scale`.

The orders are written to Kafka all at once, and go through to SHIPPED, with the simulated gateway and carrier. The rate
is that of the middle six tenths, by the log's own times. Then the share of a core that each part used meanwhile: when
they add up to what the machine has, more workers on it can't be quicker.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from typing import NamedTuple

import psutil
from confluent_kafka import Producer

from app.adapters.kafka_log import KafkaLog
from bench.customers import supply
from bench.fleet import PIECES
from bench.servers import Servers
from schemas.codec import encode
from schemas.commands import PlaceOrder

PRODUCTS = tuple(f"p{number}" for number in range(50))
WARM_UP_ORDERS = 200
TIMEOUT_S = 300.0
LOOK_EVERY_S = 0.25
SHIPPED = b"order.shipped.v1"


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


async def shipped(bootstrap: str, count: int) -> list[int]:
    """When each order was shipped, in milliseconds since 1970, in order; waits until `count` are."""
    deadline_s = time.monotonic() + TIMEOUT_S
    log = KafkaLog(bootstrap, "bench")
    try:
        while True:
            found: dict[bytes, int] = {}
            async for batch in log.batches("orders.events", log.spans("orders.events")):
                for record in batch:
                    if record.key is not None and record.value is not None and SHIPPED in record.value:
                        found.setdefault(record.key, record.timestamp)
            if len(found) >= count:
                return sorted(found.values())
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"{len(found)} of {count} orders are shipped after {TIMEOUT_S:.0f} s")
            await asyncio.sleep(LOOK_EVERY_S)
    finally:
        log.close()


async def at_rest(servers: Servers) -> None:
    """Wait until no worker has anything left, without reading the log, which would cost what is measured."""
    while True:
        lags = [it["lag"] for worker in servers.workers for it in worker.ask("/cluster/worker").get("partitions", ())]
        if lags and not any(lags):
            return
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
        times_ms = (await shipped(servers.kafka.bootstrap, WARM_UP_ORDERS + orders))[WARM_UP_ORDERS:]
    first, last = times_ms[orders // 5], times_ms[4 * orders // 5]
    rate = (4 * orders // 5 - orders // 5) / ((last - first) / 1000)
    shares = [(late - early) / took_s for early, late in zip(before, after, strict=True)]
    print(
        f"| {workers} | {rate:.0f} | {1000 * (after.workers - before.workers) / orders:.1f} | "
        + " | ".join(f"{share:.2f}" for share in shares)
        + " |",
        flush=True,
    )
    return rate


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=3000)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2])
    chosen = parser.parse_args()
    print(f"{chosen.orders} orders, {os.cpu_count()} cores", flush=True)
    print("| workers | orders/s | worker ms an order | cores: workers | Kafka | mongod | all that ran |", flush=True)
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    rates = [asyncio.run(measure(workers, chosen.orders)) for workers in chosen.workers]
    if len(rates) > 1:
        print(f"{chosen.workers[-1]} workers do {rates[-1] / rates[0]:.2f} times what {chosen.workers[0]} does")


if __name__ == "__main__":
    main()
