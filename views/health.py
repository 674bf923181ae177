"""Whether this worker lives, is ready, and what state its parts are in."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
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
OK: Final = "ok"
AWAY: Final = "away"


class Seen:
    """Since when each part has been in its state, as far as anybody looked."""

    def __init__(self) -> None:
        self._seen: dict[str, tuple[str, datetime]] = {}

    def part(self, name: str, state: str, detail: str = "") -> PartAnswer:
        """What there is to say of a part that is in this state now."""
        known = self._seen.get(name)
        if known is None or known[0] != state:
            known = self._seen[name] = state, datetime.now(UTC)
        return PartAnswer(*known, detail)


_seen: Final = Seen()


@app.page("/health", name="health")
class Health(Page):
    """The state of this worker and of what it needs."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Show each part; 503 when orders can't be taken."""
        kafka, mongodb = await asyncio.gather(kafka_state(), mongodb_state())
        tables, agents = tables_state(), agents_state()
        parts = {
            "kafka": _seen.part("kafka", kafka),
            "tables": _seen.part("tables", tables),
            "agents": _seen.part("agents", *agents),
            "mongodb": _seen.part("mongodb", mongodb),
            "gateway": _seen.part("gateway", OK, gateway().name),
        }
        takes_orders = kafka == tables == agents[0] == OK
        status = "unavailable" if not takes_orders else OK if mongodb == OK else "degraded"
        return answer(HealthAnswer(status, parts), 200 if takes_orders else 503)


@app.page("/health/live", name="live")
class Live(Page):
    """Whether this process can be helped by waiting: it answers, and its agents run."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Say so; 503 when an agent has ended, which Faust would live on without."""
        state, detail = agents_state()
        return answer(LiveAnswer(state, detail), 200 if state == OK else 503)


@app.page("/health/ready", name="ready")
class Ready(Page):
    """Whether requests should be sent to this worker."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """200 when the tables of its partitions, be they none, are whole, and Kafka can be reached."""
        state = tables_state()
        if state == OK:  # a worker that stops says so at once, be Kafka silent
            state = await kafka_state()
        return answer(LiveAnswer(state), 200 if state == OK else 503)


def agents_state() -> tuple[str, str]:
    """Whether all agents run that ever did, and the topics of those that don't."""
    ended = ended_agents()
    if not ended or app.should_stop:
        return OK, ""
    return "dead", f"nobody takes the messages of {', '.join(sorted(ended))}"


def ended_agents() -> list[str]:
    """The topics of the agents that ran, and do not any more."""
    return [topic for topic, lane in app.lanes.items() if lane.ended]


def tables_state() -> str:
    """Whether this worker answers for the partitions it was given, or what keeps it from that."""
    if app.should_stop:
        return "stopping"
    if app.rebalancing:
        return "rebalancing"
    if app.in_recovery or not app.tables.actives_ready:
        return "recovering"
    generation = app.consumer_generation_id
    if generation and not app.drain.assignment():
        return OK  # there are more workers than partitions: this one stands by
    began = all(lane.generation == generation for lane in app.lanes.values())
    return OK if began else "starting"


async def kafka_state() -> str:
    """Whether the broker answers, and has said that this worker may go on with what it could not send."""
    if app.sink.holding:
        return AWAY
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await app.ends.end(topics.ORDERS, 0)
    except (KafkaException, TimeoutError):
        return AWAY
    return OK


async def mongodb_state() -> str:
    """Whether MongoDB answers."""
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            await read_model().ping()
    except (*STORE_AWAY, TimeoutError):
        return AWAY
    return OK
