"""The participants as one runs them with Faust alone: the same decisions, in plain agents over plain tables.

What the delivery layer is compared with, on a broker that takes its time to say what is committed, as a busy one does.
There are no views and no projection: orders come in by topic.
"""

from collections.abc import Callable
from typing import Any

import faust
from faust.transport.drivers.aiokafka import Consumer, Transport

from agents.payments import GatewayCalls
from agents.shipping import CarrierCalls
from app import topics
from app.adapters.kafka_log import LogRecord
from app.audit import books
from app.audit.books import Table
from app.delivery import Effects, Refused, Send
from app.main import settings
from app.participants import inventory, orders, payments, shipping
from schemas.codec import encode
from tests.integration.delivery.faults import SlowSeek


class SlowConsumer(SlowSeek, Consumer):
    pass


class SlowTransport(Transport):
    Consumer = SlowConsumer


class PlainApp(faust.App):
    def _new_transport(self) -> SlowTransport:
        return SlowTransport(self.conf.broker_consumer, self)


app = PlainApp(
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
    stream_wait_empty=True,
    producer_acks=-1,
    broker_session_timeout=settings.session_timeout_s,
    broker_heartbeat_interval=settings.heartbeat_interval_s,
    broker_request_timeout=90.0,
    broker_commit_interval=settings.commit_interval_s,
)

Decide = Callable[[Any, LogRecord], Effects]


def raw(name: str) -> Any:
    return app.topic(name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


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
            await tell(send)


async def tell(send: Send) -> None:
    await TOPICS[send.topic].send(key=send.key, value=send.value)


TOPICS = {
    name: raw(name)
    for name in (
        *(topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING),
        *(topics.ORDER_EVENTS, topics.INVENTORY_EVENTS, topics.DEAD_LETTERS),
    )
}


def participant(topic: str, table: Table, decide: Decide, calls: Any = None) -> None:
    rows = Rows(table)

    async def handle(stream: Any) -> None:
        async for event in stream.events():
            at = event.message
            record = LogRecord(at.topic, at.partition, at.offset, round(at.timestamp * 1000), at.key, at.value)
            try:
                await rows.apply(decide(rows, record))
            except Refused as refusal:
                await tell(topics.park(record, refusal))
                continue
            key = record.key.decode()
            while calls and (row := rows.get(key)) and (intent := calls.due(key, row)):
                await rows.apply(calls.settle(rows, key, await calls.perform(key, intent)))

    app.agent(TOPICS[topic], name=table.name)(handle)


participant(topics.ORDERS, books.ORDERS, orders.decide)
participant(topics.INVENTORY, books.INVENTORY, inventory.decide)
participant(topics.PAYMENTS, books.PAYMENTS, lambda rows, it: payments.decide(rows, it, "simulated"), GatewayCalls())
participant(topics.SHIPPING, books.SHIPMENTS, lambda rows, it: shipping.decide(rows, it, "simulated"), CarrierCalls())


@app.page("/health/ready")
class Ready(faust.web.View):
    """As the project's own workers: `200` once the rows are recovered."""

    async def get(self, request: Any) -> Any:
        ready = bool(app.tables.actives_ready and not app.rebalancing)
        return self.json({}, status=200 if ready else 503)
