"""Projection: writes what has happened to MongoDB, for people to query. Of each key only the last fact of a slice."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from msgspec import to_builtins

from app import topics
from app.delivery import ConsumerRecord, Follower
from app.main import app, settings
from app.wiring import STORE_AWAY, read_model
from schemas.answers import order_answer, order_events_answer, payment_of_order, shipment_of_order, stock_answer
from schemas.codec import Decoder, Undecodable
from schemas.facts import OrderFact, StockChanged

log: Final = logging.getLogger(__name__)

PREPARE_AGAIN_S: Final = 5.0


def order_document(fact: OrderFact, partition: int) -> dict[str, Any]:
    """The order as MongoDB keeps it: its answer, with its payment, its shipment and its history."""
    return _plain(order_answer(fact)) | {
        "_id": fact.order_id,
        "fingerprint": fact.order.fingerprint,  # tells whether a late double is the same order
        "payment": _plain(payment_of_order(fact)),
        "shipment": _plain(shipment_of_order(fact)),
        "events": _plain(order_events_answer(fact, topics.ORDERS, partition)),
    }


def stock_document(fact: StockChanged, _partition: int) -> dict[str, Any]:
    """The product as MongoDB keeps it."""
    return _plain(stock_answer(fact)) | {"_id": fact.product_id}


def _plain(answer: Any) -> dict[str, Any]:
    built: dict[str, Any] = to_builtins(answer, builtin_types=(datetime,))
    return built


def last_of_each(records: Iterable[ConsumerRecord]) -> list[ConsumerRecord]:
    """The last record of every key: each is the whole order, so the ones before it have nothing to add."""
    return list({record.key: record for record in records}.values())


async def save_orders(records: Sequence[ConsumerRecord]) -> None:
    """Write the orders of a slice. Raises `STORE_AWAY`."""
    await read_model().save_orders(_documents(topics.read_order_fact, order_document, records))


async def save_stock(records: Sequence[ConsumerRecord]) -> None:
    """Write the products of a slice. Raises `STORE_AWAY`."""
    await read_model().save_stock(_documents(topics.read_stock_fact, stock_document, records))


def _documents(decoder: Decoder[Any], document: Any, records: Sequence[ConsumerRecord]) -> list[dict[str, Any]]:
    made = []
    for record in last_of_each(records):
        try:
            made.append(document(decoder(record.value), record.partition))
        except Undecodable as error:
            # Only we write facts: what is none of ours concerns no order, and a later fact will come.
            log.warning("%s-%d@%d is no fact: %s", record.topic, record.partition, record.offset, error)
    return made


orders_follower = Follower(
    app, topics.ORDER_EVENTS, save_orders, retry_on=STORE_AWAY, gather_s=settings.projection_gather_s
)
stock_follower = Follower(
    app, topics.INVENTORY_EVENTS, save_stock, retry_on=STORE_AWAY, gather_s=settings.projection_gather_s
)


@app.agent(topics.order_events, name="project-orders")
async def project_orders(stream: Any) -> None:
    """Runs the follower of the orders."""
    await orders_follower.run(stream)


@app.agent(topics.inventory_events, name="project-stock")
async def project_stock(stream: Any) -> None:
    """Runs the follower of the stock."""
    await stock_follower.run(stream)


@app.task  # type: ignore[untyped-decorator]  # Faust does not say what it returns
async def prepare_read_model() -> None:
    """Make the indexes and views while the worker starts; without MongoDB, once it is back."""
    while True:
        try:
            return await read_model().prepare()
        except STORE_AWAY as error:
            log.warning("the read model can't be prepared yet: %s", error)
            await asyncio.sleep(PREPARE_AGAIN_S)
