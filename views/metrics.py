"""`GET /metrics`: this worker's numbers, in the form that Prometheus asks for."""

from __future__ import annotations

import asyncio

from aiohttp import web
from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from app.delivery import inside
from app.main import app
from app.metrics.http import measured
from app.metrics.loop import watch_loop
from app.metrics.numbers import stream
from app.metrics.parts import agents_ended, kafka_up, mongodb_up
from app.metrics.stream import Group
from views.health import OK, ended_agents, kafka_state, mongodb_state
from views.page import Page, web_app


@app.page("/metrics", name="metrics")
class Metrics(Page):
    """All metrics of this worker."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Look at the partitions and at what the worker needs, and tell all."""
        progress, kafka, mongodb = await asyncio.gather(inside.progress(app), kafka_state(), mongodb_state())
        group = Group(app.rebalancing_count, inside.recovered(app), app.drain.commit_age_s)
        stream.look(progress, group, _blocked(), {topic: lane.waited for topic, lane in app.lanes.items()})
        kafka_up.set(kafka == OK)
        mongodb_up.set(mongodb == OK)
        agents_ended.set(len(ended_agents()))
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return web.Response(body=encode(REGISTRY), headers={"Content-Type": content_type})


def _blocked() -> dict[str, int]:
    return {topic: participant.blocked for topic, participant in app.participants.items()}


web_app.middlewares.insert(0, measured)


app.task(watch_loop)
