"""What a probe is told: of agents that have ended, and since when a part has been as it is."""

from __future__ import annotations

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

import agents  # noqa: F401 - they make the participants
from app import topics
from app.main import app
from views import health


@pytest.fixture
async def probe() -> TestClient:
    served = web.Application()

    async def live(request: web.Request) -> web.StreamResponse:
        return await health.Live(app, app.web).get(request)

    served.router.add_get("/health/live", live)
    async with TestClient(TestServer(served)) as client:
        yield client


async def test_a_worker_whose_agents_run_lives(probe: TestClient) -> None:
    answer = await probe.get("/health/live")
    assert (answer.status, await answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("topic", [topics.PAYMENTS, topics.ORDER_EVENTS])
async def test_one_that_lives_on_without_an_agent_is_dead(
    probe: TestClient, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.lanes[topic], "ended", True)
    answer = await probe.get("/health/live")
    assert answer.status == 503
    assert await answer.json() == {"status": "dead", "detail": f"nobody takes the messages of {topic}"}


def test_a_part_says_since_when_it_has_been_so() -> None:
    seen = health.Seen()
    first = seen.part("kafka", "ok")
    assert seen.part("kafka", "ok") == first
    away = seen.part("kafka", "away")
    assert away.since > first.since
    assert seen.part("mongodb", "ok").since >= away.since
    assert seen.part("kafka", "away") == away
