"""What is left when the faults are over: whether all came to rest, and whether every piece and cent is there."""

import json
import subprocess
import time
from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import aiohttp
from confluent_kafka import Consumer, TopicPartition
from pymongo import MongoClient

from app.embedded.workers import faust_command
from schemas.codec import Decoder, Undecodable
from schemas.commands import PlaceOrder
from tests.chaos.system import System

PRICE = 100
_TIMEOUT_S = 10.0


class Log(NamedTuple):
    """Of the topics: the ids of all orders placed, and when facts of orders were appended, in seconds since 1970."""

    placed: Counter[str]
    facts_s: list[float]


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


def await_rest(system: System, timeout_s: float) -> tuple[dict[str, Any], float]:
    """The first audit that finds all at rest, or the last within that time; and when it began (monotonic clock)."""
    until = time.monotonic() + timeout_s
    while True:
        began = time.monotonic()
        report = audit(system)
        if at_rest(report) or began > until:
            return report, began
        system.rest(1.0)


def read_log(system: System) -> Log:
    """The orders that the log holds, and the times at which orders made progress."""
    reader = Consumer(
        {"bootstrap.servers": system.kafka.bootstrap, "group.id": "aftermath", "enable.auto.commit": False}
    )
    read = Decoder((PlaceOrder,))
    placed: Counter[str] = Counter()
    facts_s: list[float] = []
    try:
        for topic in ("chaos.orders", "chaos.orders.events"):
            left = {}
            for partition in reader.list_topics(topic, timeout=_TIMEOUT_S).topics[topic].partitions:
                _, end = reader.get_watermark_offsets(TopicPartition(topic, partition), _TIMEOUT_S)
                left |= {partition: end} if end else {}
            reader.assign([TopicPartition(topic, partition, 0) for partition in left])
            while left:
                for message in reader.consume(5000, 1.0):
                    assert message.error() is None, message.error()
                    if message.offset() + 1 >= left.get(message.partition(), 0):
                        left.pop(message.partition(), None)
                    if topic == "chaos.orders.events":
                        facts_s.append(message.timestamp()[1] / 1000)
                        continue
                    with suppress(Undecodable):  # of another kind of message
                        placed[read(message.value()).order_id] += 1
    finally:
        reader.close()
    return Log(placed, sorted(facts_s))


def sums(system: System, supplied: dict[str, int]) -> list[str]:
    """What does not add up in the warehouse and at the gateway, counted from MongoDB and without the audit's help."""
    wrong = []
    client: MongoClient[dict[str, Any]]
    with MongoClient(system.mongo.url) as client:
        database = client["chaos"]
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


async def supply(urls: list[str], stock: dict[str, int]) -> None:
    """Put so many pieces of each product into the warehouse."""
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}) as session:
        for number, (product, quantity) in enumerate(stock.items()):
            body = {"productId": product, "quantity": quantity, "price": PRICE, "currency": "EUR"}
            url = urls[number % len(urls)] + "/v1/inventory/update"
            async with session.put(url, json=body) as answer:
                assert answer.status == 200, await answer.text()
