"""A worker that answers as it is told, for commands to call."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

Answer = Callable[[web.Request, Any], Awaitable[web.StreamResponse]]


def told(body: object, status: int = 200, **headers: str) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@asynccontextmanager
async def stub_worker(answer: Answer) -> AsyncIterator[str]:
    """Serve by `answer(request, JSON body or None)`; gives the address."""

    async def handle(request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        return await answer(request, orjson.loads(raw) if raw else None)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app, host="127.0.0.1") as server:
        yield str(server.make_url("")).rstrip("/")
