"""What calls and requests leave behind in the metrics."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY

from app.adapters.outcome import OutcomeUnknown, Verdict
from app.metrics import http, loop, outside


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_count", labels) or 0.0


@pytest.mark.parametrize(
    ("ends", "outcome"),
    [
        (Verdict(ok=True), "done"),
        (Verdict(ok=False), "refused"),
        (OutcomeUnknown("lost"), "unknown"),
        (RuntimeError("a bug"), "failed"),
    ],
)
async def test_a_call_is_counted_by_how_it_ended(ends: Verdict | Exception, outcome: str) -> None:
    async def call() -> Verdict:
        if isinstance(ends, Exception):
            raise ends
        return ends

    labels = {"to": "simulated", "operation": "capture", "outcome": outcome}
    before = counted("outside_call_seconds", **labels)
    with suppress(OutcomeUnknown, RuntimeError):
        assert await outside.measured("simulated", "capture", call()) == ends
    assert counted("outside_call_seconds", **labels) == before + 1


async def hello(request: web.Request) -> web.Response:
    if request.match_info["order_id"] == "none":
        raise web.HTTPNotFound
    return web.Response(text="hello")


async def test_requests_are_counted_by_route_whoever_they_are_about() -> None:
    app = web.Application(middlewares=[http.measured, answers_errors])
    app.router.add_get("/v1/orders/{order_id}", hello)
    labels = {"method": "GET", "route": "/v1/orders/{order_id}", "status": "200"}
    before = counted("http_request_seconds", **labels)
    async with TestClient(TestServer(app)) as client:
        for path in ("/v1/orders/1", "/v1/orders/2", "/v1/orders/none", "/nowhere/1", "/nowhere/2"):
            await client.get(path)
        await client.request("PROPFIND", "/v1/orders/1")
    assert counted("http_request_seconds", **labels) == before + 2
    assert counted("http_request_seconds", **{**labels, "status": "404"}) >= 1
    assert counted("http_request_seconds", method="GET", route="none", status="404") >= 2
    assert counted("http_request_seconds", method="other", route="none", status="405") >= 1
    assert http.in_flight._value.get() == 0


@web.middleware
async def answers_errors(request: web.Request, handler: web.Handler) -> web.StreamResponse:  # type: ignore[name-defined]
    try:
        return await handler(request)
    except web.HTTPException as error:
        return web.Response(status=error.status)


async def test_a_loop_that_stands_still_is_late() -> None:
    watching = asyncio.create_task(loop.watch_loop())
    await asyncio.sleep(0)
    before, seen = REGISTRY.get_sample_value("event_loop_delay_seconds_sum") or 0.0, counted("event_loop_delay_seconds")
    time.sleep(3 * loop.EVERY_S)  # noqa: ASYNC251 - what nobody should do
    while counted("event_loop_delay_seconds") == seen:
        await asyncio.sleep(0)
    watching.cancel()
    assert (REGISTRY.get_sample_value("event_loop_delay_seconds_sum") or 0.0) - before >= loop.EVERY_S
