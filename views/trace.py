"""The trace that a request belongs to (W3C `traceparent`): taken in, recorded where that is on, and handed on."""

from __future__ import annotations

from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import istr
from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode

from app.delivery import TRACEPARENT, Headers, readable
from app.main import spans
from app.tracing.context import headers_of, parsed, written
from views.page import web_app

_HEADER: Final = istr(TRACEPARENT)
_OWN: Final = web.RequestKey("traceparent", str)
"""The request's own span, where it is recorded."""


def traceparent_of(request: web.Request) -> str:
    """What is handed on with all that the request causes: its own span, or else the one its client names."""
    own: str = request.get(_OWN, "") if spans.are_made else ""
    if own:
        return own
    given = request.headers.get(_HEADER)
    return readable(given.encode(errors="replace")) if given else ""


def trace_of(request: web.Request) -> Headers:
    """The header for the request's messages; none without a trace that can be read."""
    return headers_of(traceparent_of(request))


@web.middleware
async def traced(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Record the span of a request, from its head to its answer."""
    parent = parsed(traceparent_of(request))
    if not request.path.startswith("/v1/") or (parent is not None and not parent.trace_flags.sampled):
        return await handler(request)
    with _begun(request, parent) as span:
        response = await handler(request)
        span.set_attribute("http.response.status_code", response.status)
        if response.status >= 500:
            span.set_status(StatusCode.ERROR)
    return response


def _begun(request: web.Request, parent: SpanContext | None) -> Span:
    resource = request.match_info.route.resource
    route = resource.canonical if resource is not None else ""
    about: dict[str, str | int] = {
        "http.request.method": request.method,
        "http.route": route,
        "url.path": request.path,
        "url.scheme": request.scheme,
    }
    if "order_id" in request.match_info:
        about["order.id"] = request.match_info["order_id"]
    span = spans.start(f"{request.method} {route}".strip(), SpanKind.SERVER, parent, about)
    if span.is_recording():
        request[_OWN] = written(span.get_span_context())
    return span


if spans.are_made:
    web_app.middlewares.append(traced)  # around the edge, whose answer is the last word
