"""What is left when the faults are over: whether all came to rest, and whether every piece and cent is there."""

import asyncio
import json
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple

import aiohttp
from pymongo import MongoClient
from pymongo.database import Database

from app.adapters.kafka_log import KafkaLog
from app.embedded.workers import faust_command
from schemas.codec import Decoder, Undecodable
from schemas.commands import PlaceOrder
from schemas.facts import ORDER_FACTS
from tests.chaos.system import System

PRICE = 100
_read_order = Decoder((PlaceOrder,))
_read_fact = Decoder(tuple(ORDER_FACTS.values()))
ORDERS, FACTS = "chaos.orders", "chaos.orders.events"
CONSUMED = (ORDERS, "chaos.inventory", "chaos.payments", "chaos.shipping", FACTS, "chaos.inventory.events")


class Log(NamedTuple):
    """How often each order was placed, and each sign of progress: when, in seconds since 1970, and whose it is.

    An order makes progress when it is placed, and when a change of it is told for the first time.
    """

    placed: Counter[str]
    progress: list[tuple[float, str]]


def audit(system: System) -> dict[str, Any]:
    """The report of the command."""
    ended = subprocess.run(
        faust_command("audit", "--json"), capture_output=True, text=True, env=system.environment, check=False
    )
    assert ended.stdout, ended.stderr
    return dict(json.loads(ended.stdout))


def at_rest(report: dict[str, Any]) -> bool:
    """Whether nothing was in flight: no order, and no record that was not handled."""
    return not report["inFlight"] and all(it["committed"] >= it["end"] for it in report["reach"])


def await_rest(system: System, until: float) -> tuple[dict[str, Any], float]:
    """The first audit that finds all at rest, or the last one begun before `until`; and when it began.

    Times are by the monotonic clock. An audit reads the whole log, so it is only begun once all is committed.
    """
    log = KafkaLog(system.kafka.bootstrap, "chaos")
    try:
        while True:
            began = time.monotonic()
            if began > until or _all_committed(log):
                report = audit(system)
                if at_rest(report) or began > until:
                    return report, began
            system.rest(0.3)
    finally:
        log.close()


def _all_committed(log: KafkaLog) -> bool:
    committed = log.committed(CONSUMED)
    return all(
        committed.get((topic, partition), 0) >= span.end
        for topic in CONSUMED
        for partition, span in log.spans(topic).items()
    )


def read_log(system: System) -> Log:
    """What the log holds of orders."""
    log = KafkaLog(system.kafka.bootstrap, "chaos")
    try:
        return asyncio.run(_read_log(log))
    finally:
        log.close()


async def _read_log(log: KafkaLog) -> Log:
    placed: Counter[str] = Counter()
    told: set[tuple[str, int]] = set()
    progress: list[tuple[float, str]] = []
    async for records in log.batches(ORDERS, log.spans(ORDERS)):
        for record in records:
            with suppress(Undecodable):  # of another kind of message
                order_id = _read_order(record.value).order_id
                if not placed[order_id]:
                    progress.append((record.timestamp / 1000, order_id))
                placed[order_id] += 1
    async for records in log.batches(FACTS, log.spans(FACTS)):
        for record in records:
            fact = _read_fact(record.value)
            change = (fact.order_id, fact.change.version)
            if change not in told:  # a replay tells it again
                told.add(change)
                progress.append((record.timestamp / 1000, fact.order_id))
    return Log(placed, sorted(progress))


def sums(system: System, supplied: dict[str, int]) -> list[str]:
    """What does not add up in the warehouse and at the gateway, counted from MongoDB and without the audit's help."""
    wrong = []
    with _database(system) as database:
        shipped = list(database["orders"].find({"status": "SHIPPED"}))
        gone: Counter[str] = Counter()
        for order in shipped:
            for item in order["items"]:
                gone[item["productId"]] += item["quantity"]
        for stock in database["inventory"].find():
            product, left = stock["_id"], stock["onHand"]
            if stock["reserved"] or left + gone[product] != supplied[product]:
                wrong.append(f"{product}: {left} left, {gone[product]} shipped, {stock['reserved']} held")
        money: Counter[str] = Counter()
        for entry in database["gateway_ledger"].find({"ok": True}):
            money[entry["operation"]] += entry["amount_minor"]
        owed = sum(order["total"] for order in shipped)
        if money["capture"] - money["refund"] != owed:
            wrong.append(f"{money['capture']} captured, {money['refund']} refunded, {owed} owed")
    return wrong


def projected(system: System) -> dict[str, int]:
    """How many orders MongoDB shows, by status, and where it tells one, reason."""
    with _database(system) as database:
        counts = Counter((it["status"], it.get("reason")) for it in database["orders"].find())
    return {
        f"{status} {reason}" if reason else status: count for (status, reason), count in sorted(counts.items(), key=str)
    }


@contextmanager
def _database(system: System) -> Iterator[Database[dict[str, Any]]]:
    client: MongoClient[dict[str, Any]]
    with MongoClient(system.mongo.url) as client:
        yield client["chaos"]


async def supply(urls: list[str], stock: dict[str, int]) -> None:
    """Put so many pieces of each product into the warehouse."""
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}) as session:
        for number, (product, quantity) in enumerate(stock.items()):
            body = {"productId": product, "quantity": quantity, "price": PRICE, "currency": "EUR"}
            url = urls[number % len(urls)] + "/v1/inventory/update"
            async with session.put(url, json=body) as answer:
                assert answer.status == 200, await answer.text()
