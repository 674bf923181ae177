"""Projection: writes what has happened to MongoDB, for people to query (`app.projection.documents`)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Any, Final

from app import topics
from app.delivery import ConsumerRecord, Follower
from app.main import app, settings
from app.projection.documents import ORDER_PART, STOCK_PART, Part, documents
from app.wiring import STORE_AWAY, projection_writes, read_model

log: Final = logging.getLogger(__name__)

PREPARE_AGAIN_S: Final = 5.0


def _follower(part: Part) -> Follower:
    async def save(records: Sequence[ConsumerRecord]) -> None:
        await projection_writes().save(part.collection, documents(part, records))

    return Follower(app, part.topic, save, retry_on=STORE_AWAY, gather_s=settings.projection_gather_s)


orders_follower: Final = _follower(ORDER_PART)
stock_follower: Final = _follower(STOCK_PART)


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
