"""`GET /metrics`: this worker's numbers, in the form that Prometheus asks for."""

from __future__ import annotations

import asyncio
from typing import Final

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
from views.shared import Shared

OPENMETRICS: Final = "application/openmetrics-text"
PLAIN: Final = "text/plain"
MOMENT_S: Final = 1.0
"""To write all numbers down holds the loop for some 30 ms, and anybody may ask for them."""


@app.page("/metrics", name="metrics")
class Metrics(Page):
    """All metrics of this worker."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """Tell all, as it was within the last second."""
        text, content_type = await _told.get(form_of(request.headers.get("Accept", "")))
        return web.Response(body=text, headers={"Content-Type": content_type})


def form_of(accept: str) -> str:
    """The form that is wanted, `OPENMETRICS` or `PLAIN`, by the `Accept` of a request."""
    return OPENMETRICS if OPENMETRICS in (it.split(";")[0].strip() for it in accept.split(",")) else PLAIN


async def _tell(form: str) -> tuple[bytes, str]:
    """Look at the partitions and at what the worker needs; the text of it all, and its media type."""
    progress, kafka, mongodb = await asyncio.gather(inside.progress(app), kafka_state(), mongodb_state())
    group = Group(app.rebalancing_count, inside.recovered(app), app.drain.commit_age_s)
    stream.look(progress, group, _blocked(), {topic: lane.waited for topic, lane in app.lanes.items()})
    kafka_up.set(kafka == OK)
    mongodb_up.set(mongodb == OK)
    agents_ended.set(len(ended_agents()))
    encode, content_type = choose_encoder(form)
    return encode(REGISTRY), content_type


_told: Final = Shared(_tell, MOMENT_S)


def _blocked() -> dict[str, int]:
    return {topic: participant.blocked for topic, participant in app.participants.items()}


web_app.middlewares.insert(0, measured)


app.task(watch_loop)
