"""What every request passes: its id, its key, its place among those in flight, and the form of its errors."""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Mapping
from typing import Final

from aiohttp import web
from aiohttp.hdrs import METH_OPTIONS
from aiohttp.typedefs import Handler
from multidict import istr

from app.delivery import TRACEPARENT, trace_id_of
from app.logs import bound
from app.main import access, app, settings
from views.admission import FORWARDED, FORWARDED_TO_KEEPER, admit, caller_of, rule_of
from views.bodies import content_of
from views.contract import Call
from views.gate import STOPPING, Gate
from views.hardening import harden, preflight
from views.page import web_app
from views.problems import Problem, problem_response, unavailable
from views.trace import traceparent_of

log: Final = logging.getLogger(__name__)

REQUEST_ID: Final = istr("x-request-id")
MOST_HEADERS: Final = 100
"""Of a client; a worker that forwards its request adds some."""

LAST_CALL_S: Final = 0.5
"""How long a stopping worker waits for requests to be answered, once it has let go of its partitions."""

_KNOWN_ID: Final = web.RequestKey("request-id", str)
_ONLY_READ: Final = frozenset({"GET", "HEAD"})
_SANE_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_DETAILS: Final = {
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    413: "The body is larger than 1 MiB.",
}


_gate: Final = Gate(settings.requests_in_flight)
_bodies: Final = Gate(settings.requests_in_flight, settings.requests_in_flight // 2)
"""Requests that are admitted, and whose bodies are still on their way: slow ones must take no place from all others."""


@web.middleware
async def edge(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer by `handler`, with a problem document for whatever goes wrong."""
    request_id = request[_KNOWN_ID] = _given_id(request) or _new_id()
    told: dict[str, str] = {}
    traceparent = traceparent_of(request)
    about = _about(request, request_id, traceparent)
    try:
        with bound(**about):
            response = await _admitted(request, handler, request_id, told)
    except Exception as error:
        response = _answer_to(error, request, about)
    if not response.prepared:
        headers = response.headers
        headers[REQUEST_ID] = request_id
        if traceparent:
            headers[TRACEPARENT] = traceparent
        headers.update(told)
        harden(request, headers)
        if app.should_stop:
            response.force_close()  # the client must not send its next request on this connection
    return response


def _answer_to(error: Exception, request: web.Request, about: Mapping[str, str]) -> web.StreamResponse:
    """The problem document for what was raised. Raises it again when there is nobody to tell."""
    path = request.rel_url.raw_path
    if isinstance(error, Problem):
        return problem_response(error, path)
    if isinstance(error, web.HTTPException):
        return _told_by_aiohttp(error, path)
    if isinstance(error, ConnectionError):
        raise error  # the client is gone
    with bound(**about):
        log.error("%s %s failed", request.method, request.path, exc_info=error)
    return problem_response(Problem(500, "This was not expected; it is logged."), path)


def _about(request: web.Request, request_id: str, traceparent: str) -> dict[str, str]:
    """What all lines say that are logged on a request's way."""
    told = {"request_id": request_id}
    order_id = request.match_info.get("order_id")
    if order_id is not None:
        told["order_id"] = order_id
    if traceparent:
        told["trace_id"] = trace_id_of(traceparent)
    return told


def request_id_of(request: web.Request) -> str:
    """The id the client gave the request, if it is one, or else one that is made; the same at every call."""
    return request[_KNOWN_ID]


def _given_id(request: web.Request) -> str | None:
    given = request.headers.get(REQUEST_ID)
    return given if given and _SANE_ID.fullmatch(given) else None


def _new_id() -> str:
    """An id that is nobody's. It is no secret, and asking the system for one costs the loop its turn."""
    return f"{random.getrandbits(128):032x}"


async def _admitted(
    request: web.Request, handler: Handler, request_id: str, told: dict[str, str]
) -> web.StreamResponse:
    """Answer by `handler`, if the caller may. `told` gets the headers that tell of its limit."""
    _must_have_few_headers(request)
    if request.method == METH_OPTIONS and (asked := preflight(request)) is not None:
        return asked
    rule = rule_of(request)
    if access.service_port:
        _must_be_here(request, rule)
    path = request.path if rule is None else rule.path
    if not path.startswith("/v1/"):  # probes and pages must answer when there is no place
        if rule is not None:
            await admit(request, rule, request_id, told)
        return await handler(request)
    _must_be_in_time(request)
    with _gate.place(request.task):
        await admit(request, rule, request_id, told)
        if rule is None or request.content.is_eof():
            return await handler(request)
    with _bodies.place(request.task, caller_of(request).application):
        await content_of(request)  # it is kept for whoever reads it next
    _must_be_in_time(request)
    with _gate.place(request.task):
        return await handler(request)


def _must_have_few_headers(request: web.Request) -> None:
    """Raises `Problem` (431). Who says in vain that a worker has forwarded this is refused where it is admitted."""
    said = request.headers
    if len(said) > MOST_HEADERS and FORWARDED not in said and FORWARDED_TO_KEEPER not in said:
        raise too_many_headers()


def too_many_headers() -> Problem:
    """`431`: a head of more than `MOST_HEADERS`."""
    return Problem(431, f"The head has more than {MOST_HEADERS} headers.")


def _must_be_in_time(request: web.Request) -> None:
    """Raises `Problem` (503): a worker that is stopping begins nothing any more that changes something."""
    if request.method not in _ONLY_READ and app.should_stop:
        raise unavailable(STOPPING)


def _must_be_here(request: web.Request, rule: Call | None) -> None:
    """Raises `Problem` (404) when the call is for the other one of two ports."""
    if rule is not None and request.transport is not None:
        is_service_port = request.transport.get_extra_info("sockname")[1] == access.service_port
        if is_service_port != (rule.who is None):
            raise Problem(404, _DETAILS[404])


def _told_by_aiohttp(raised: web.HTTPException, path: str) -> web.StreamResponse:
    if raised.status < 400:
        return raised
    kept = {"Allow": raised.headers["Allow"]} if "Allow" in raised.headers else {}
    detail = _DETAILS.get(raised.status, raised.reason)
    return problem_response(Problem(raised.status, detail, headers=kept), path)


async def _last_call(*_: object, **__: object) -> None:
    await asyncio.gather(_gate.last_call(LAST_CALL_S), _bodies.last_call(LAST_CALL_S))


app.on_before_shutdown.connect(_last_call)
web_app.middlewares.append(edge)
