"""The trace that a request belongs to (W3C `traceparent`), handed on with what it sends."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.delivery import Headers
from schemas.dead_letters import trace_id_in

TRACEPARENT: Final = "traceparent"


def trace_of(request: web.Request) -> Headers:
    """The header for the request's messages; none without a trace that can be read."""
    headers = ((TRACEPARENT, request.headers.get(TRACEPARENT, "").encode(errors="replace")),)
    return headers if trace_id_in(headers) else ()
