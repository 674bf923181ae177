"""Settled orders a second in steady state, and the CPU that each costs: ours, the raw loop, naive Faust agents."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.delivery import NewTopicSpec, ensure_topics
from bench import shape
from bench.feed import Feed, orders, products
from bench.house import PARTITIONS, House, System
from bench.processes import Usage

WARM_UP = 500
FACTS_AN_ORDER = 4
TOPICS = ("orders", "inventory", "payments", "shipping", "orders.events", "inventory.events", "dead-letters", "answers")
TABLES = ("orders", "inventory", "payments", "shipments")


@dataclass(frozen=True, slots=True)
class Rate:
    """One run in steady state: orders a second, and CPU microseconds an order of each process.

    `behind_s` is how old what MongoDB shows was at its end, where it shows anything.
    """

    orders_per_s: float
    worker_us: float
    kafka_us: float
    mongod_us: float
    feeder_us: float
    foreign_cores: float
    behind_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What is fed: orders of `lines` lines over `product_count` products, `in_the_air` of them, for `seconds`.

    A share of them is `traced`.
    """

    lines: int = 1
    product_count: int = 100
    in_the_air: int = 3000
    seconds: float = 15.0
    traced: float = 0.0


Observe = Callable[[System], None]


def measure(feed: Feed, load: Load, system: System, observe: Observe | None = None) -> Rate:
    """Warm up, then feed for the load's seconds; `observe` is called once the steady state begins."""
    began: tuple[Usage, float] | None = None
    usage, settled = Usage.now(system.pids()), 0.0
    for done in feed.keep(load.in_the_air):
        if done < WARM_UP:
            continue
        if began is None:
            began = Usage.now(system.pids()), done
            if observe is not None:
                observe(system)
        used = Usage.now(system.pids()).since(began[0])
        if used.at_s >= load.seconds:
            usage, settled = used, done - began[1]
            break
    workers = sum(cpu_s for name, cpu_s in usage.by_name.items() if name.startswith("worker"))
    per_order = 1e6 / settled
    return Rate(
        settled / usage.at_s,
        workers * per_order,
        usage.by_name["kafka"] * per_order,
        usage.by_name["mongod"] * per_order,
        usage.by_name["bench"] * per_order,
        usage.foreign_cores,
    )


def ours(
    house: House, load: Load, observe: Observe | None = None, environment: Mapping[str, str] | None = None
) -> Rate:
    """The project's own worker, everything on. Raises `RuntimeError` unless MongoDB has every order in the end."""
    with house.system() as system:
        system.start_worker(environment=environment)
        feed = _feed(system, load)
        rate = measure(feed, load, system, observe)
        behind_s = _facts_not_shown(system) / FACTS_AN_ORDER / rate.orders_per_s
        feed.finish()
        _await_projection(system, feed.placed)
        return dataclasses.replace(rate, behind_s=behind_s)


def naive(house: House, load: Load) -> Rate:
    """The same participants as plain Faust agents, without a projection."""
    with house.system() as system:
        _make_topics(system)
        system.start_worker("bench.naive_app")
        return measure(_feed(system, load), load, system)


def raw(house: House, load: Load) -> Rate:
    """The raw loop, on records of the sizes that our own have."""
    with house.system() as system:
        _make_topics(system)
        script = house.home / f"{system.name}.json"
        hops = shape.of_an_order(load.lines)
        script.write_text(json.dumps([hop.as_json() for hop in hops]))
        system.start_program("bench.raw_loop", {"BENCH_SCRIPT": str(script)})
        product_ids = products(load.product_count)
        feed = Feed(
            system, lambda number: shape.first_record(system.name, number, load.lines, product_ids, hops), load.lines
        )
        return measure(feed, load, system)


def _feed(system: System, load: Load) -> Feed:
    product_ids = products(load.product_count)
    feed = Feed(system, orders(system.name, load.lines, product_ids), load.lines, load.traced)
    feed.supply(product_ids)
    return feed


def _make_topics(system: System) -> None:
    changelogs = [f"{system.name}-{table}-changelog" for table in TABLES]
    names = [system.topic(name) for name in TOPICS] + changelogs
    log_append = {"message.timestamp.type": "LogAppendTime"}
    specs = [NewTopicSpec(name, PARTITIONS, 1, log_append) for name in names]
    ensure_topics(system.house.kafka.bootstrap, specs)


def _facts_not_shown(system: System) -> int:
    """Of the facts of orders, those that no document has in it: its version is how many it has."""
    [shown] = system.database["orders"].aggregate([{"$group": {"_id": None, "facts": {"$sum": "$version"}}}])
    return system.records_in("orders.events") - int(shown["facts"])


def _await_projection(system: System, placed: int, timeout_s: float = 60.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while (shown := system.database["orders"].count_documents({"status": "SHIPPED"})) < placed:
        if time.monotonic() > deadline_s:
            raise RuntimeError(f"MongoDB has {shown} of {placed} orders as shipped")
        time.sleep(0.1)
