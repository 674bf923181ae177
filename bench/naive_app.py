"""The participants as one runs them with Faust alone: the same decisions in plain agents, a table for each.

There are no views and no projection: orders come in by topic. What it loses under kills, `tests/chaos` shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import faust

from agents.payments import GatewayCalls
from agents.shipping import CarrierCalls
from app import topics
from app.adapters.kafka_log import LogRecord
from app.audit import books
from app.audit.books import Table
from app.delivery import Effects, Send
from app.main import settings
from app.participants import inventory, orders, payments, shipping
from schemas.codec import encode

app = faust.App(
    settings.app_id,
    broker=settings.kafka_url,
    store="memory://",
    datadir=settings.data_dir,
    canonical_url=settings.url,
    web_bind=settings.host,
    web_host=settings.host,
    web_port=settings.port,
    topic_partitions=settings.partitions,
    topic_replication_factor=1,
    table_standby_replicas=0,
    producer_acks=-1,
    broker_commit_interval=settings.commit_interval_s,
)

Decide = Callable[[Any, LogRecord], Effects]


def raw(name: str) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


TOPICS = {
    name: raw(name)
    for name in (
        *(topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING),
        *(topics.ORDER_EVENTS, topics.INVENTORY_EVENTS),
    )
}


class Rows:
    """The rows of a Faust table, which holds them as they stand in the changelog."""

    def __init__(self, table: Table) -> None:
        changelog = raw(table.changelog)
        self._table = app.Table(table.name, key_type=bytes, value_type=bytes, changelog_topic=changelog)
        self._decode = table.decode

    def get(self, key: str) -> Any:
        value = self._table.get(key.encode())
        return None if value is None else self._decode(value)

    __getitem__ = get

    async def apply(self, effects: Effects) -> None:
        for key, row in effects.rows:
            self._table[key.encode()] = encode(row)
        for send in effects.sends:
            await TOPICS[send.topic].send(key=send.key, value=send.value)


async def unheard(_send: Send) -> None:
    """Nobody stalls here."""


def participant(topic: str, table: Table, decide: Decide, calls: Any = None) -> None:
    rows = Rows(table)

    async def handle(stream: Any) -> None:
        async for event in stream.events():
            at = event.message
            record = LogRecord(at.topic, at.partition, at.offset, round(at.timestamp * 1000), at.key, at.value)
            await rows.apply(decide(rows, record))
            key = record.key.decode() if record.key else ""
            while calls and (row := rows.get(key)) and (intent := calls.due(key, row)):
                await rows.apply(calls.settle(rows, key, await calls.perform(key, intent, unheard)))

    app.agent(TOPICS[topic], name=table.name)(handle)


participant(topics.ORDERS, books.ORDERS, orders.decide)
participant(topics.INVENTORY, books.INVENTORY, inventory.decide)
participant(topics.PAYMENTS, books.PAYMENTS, lambda rows, it: payments.decide(rows, it, "simulated"), GatewayCalls())
participant(topics.SHIPPING, books.SHIPMENTS, lambda rows, it: shipping.decide(rows, it, "simulated"), CarrierCalls())


@app.page("/health/ready")
class Ready(faust.web.View):
    """`200` once the rows are recovered."""

    async def get(self, request: Any) -> Any:  # noqa: ARG002 - Faust's signature
        ready = bool(app.tables.actives_ready and not app.rebalancing)
        return self.json({}, status=200 if ready else 503)
