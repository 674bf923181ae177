"""Requests, by the route they matched; what matched none shares one label."""

from __future__ import annotations

import time
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from prometheus_client import Gauge, Histogram

NO_ROUTE: Final = "none"
METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
REQUEST_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

requests: Final = Histogram(
    "http_request_seconds", "Requests, from when they were read to their answer.", ["method", "route", "status"],
    buckets=REQUEST_S,
)  # fmt: skip
in_flight: Final = Gauge("http_requests_in_flight", "Requests that are being answered.")


@web.middleware
async def measured(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer by `handler`, and note how long it took. The outermost middleware, so that errors have their answers."""
    began_s, status = time.perf_counter(), "cancelled"
    in_flight.inc()
    try:
        response = await handler(request)
        status = str(response.status)
        return response
    finally:
        in_flight.dec()
        method = request.method if request.method in METHODS else "other"
        requests.labels(method, _route(request), status).observe(time.perf_counter() - began_s)


def _route(request: web.Request) -> str:
    resource = request.match_info.route.resource
    return NO_ROUTE if resource is None else resource.canonical
