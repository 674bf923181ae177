"""Whether this worker lives, is ready, and what state its parts are in."""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web
from confluent_kafka import KafkaException

from app import topics
from app.main import app
from app.wiring import STORE_AWAY, gateway, read_model
from schemas.http import HealthAnswer, LiveAnswer, PartAnswer
from views.bodies import answer
from views.page import Page

PROBE_TIMEOUT_S: Final = 2.0
OK: Final = PartAnswer("ok")


@app.page("/health", name="health")
class Health(Page):
    """The state of this worker and of what it needs."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Show each part; 503 when orders can't be taken."""
        kafka, mongodb = await asyncio.gather(kafka_state(), mongodb_state())
        tables = tables_state()
        parts = {"kafka": kafka, "tables": tables, "mongodb": mongodb, "gateway": PartAnswer("ok", gateway().name)}
        takes_orders = kafka is OK and tables is OK
        status = "unavailable" if not takes_orders else "ok" if mongodb is OK else "degraded"
        return answer(HealthAnswer(status, parts), 200 if takes_orders else 503)


@app.page("/health/live", name="live")
class Live(Page):
    """Whether the process answers at all."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Say so."""
        return answer(LiveAnswer("ok"))


@app.page("/health/ready", name="ready")
class Ready(Page):
    """Whether requests should be sent to this worker."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """200 when the tables of its partitions, be they none, are whole, and Kafka can be reached."""
        for part in (tables_state(), await kafka_state()):
            if part is not OK:
                return answer(LiveAnswer(part.state), 503)
        return answer(LiveAnswer("ok"))


def tables_state() -> PartAnswer:
    """Whether this worker answers for the partitions it was given, or what keeps it from that."""
    if app.should_stop:
        return PartAnswer("stopping")
    if app.rebalancing:
        return PartAnswer("rebalancing")
    if app.in_recovery or not app.tables.actives_ready:
        return PartAnswer("recovering")
    generation = app.consumer_generation_id
    began = all(lane.generation == generation for lane in app.lanes.values())
    return OK if began else PartAnswer("starting")


async def kafka_state() -> PartAnswer:
    """Whether the broker answers."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await app.ends.end(topics.ORDERS, 0)
    except (KafkaException, TimeoutError):
        return PartAnswer("away")
    return OK


async def mongodb_state() -> PartAnswer:
    """Whether MongoDB answers."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await read_model().ping()
    except (*STORE_AWAY, TimeoutError):
        return PartAnswer("away")
    return OK
