"""One key, one worker: a request about a key is answered where its row is, and is forwarded there once.

Faust's own router drops bodies and headers and answers `500` for a dead owner, so the forwarder is ours.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from aiohttp.hdrs import CONTENT_ENCODING
from confluent_kafka import KafkaException
from multidict import CIMultiDict
from yarl import URL

from app.delivery import Moved, Unavailable, owner_of
from app.main import app, settings
from views.edge import REQUEST_ID, request_id_of
from views.page import web_app
from views.preference import wait_s
from views.problems import Problem, unavailable

log: Final = logging.getLogger(__name__)

FORWARDED: Final = "x-forwarded-to-owner"
"""Marks a request that was forwarded: two workers that each take the other for the owner don't pass it on for ever."""

CONNECT_TIMEOUT_S: Final = 1.0
CONNECTIONS_TO_A_WORKER: Final = 256

_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
     "upgrade", "content-length", "host", "expect")
)  # fmt: skip
_NOT_SENT_BACK: Final = _HOP_BY_HOP | {"date", "server", REQUEST_ID}

_session: Final = web.AppKey("session", ClientSession)

Handler = Callable[[int], Awaitable[web.StreamResponse]]
"""Answers on the owner; it is given the key's partition."""


async def on_owner(
    request: web.Request,
    topic: str,
    key: str,
    here: Handler,
    *,
    body: bytes | None = None,
    mark: str = FORWARDED,
    otherwise: Callable[[], Awaitable[web.StreamResponse]] | None = None,
) -> web.StreamResponse:
    """Answer by `here` on the worker that owns `key` in `topic`: this one, or the one it is forwarded to.

    `body` is sent in place of the request's own; `mark` is the header by which one that was forwarded is known. While
    the key has no owner that answers, the answer is `otherwise`, or a `Problem` (503). Without an `otherwise` it is not
    known whether a lost owner has done what was asked.
    """
    try:
        owner = owner_of(app, topic, key.encode())
        if owner.here:
            return await here(owner.partition)
        elsewhere = owner.url is not None and owner.url != str(app.conf.canonical_url)
        if elsewhere and mark not in request.headers:
            return await _forward(request, URL(str(owner.url)), body, mark)
        problem = unavailable("This key is moving from one worker to another.")
    except Moved:
        problem = unavailable("This key has just moved to another worker.")
    except (Unavailable, KafkaException):
        problem = unavailable("Kafka does not take messages now.")
    except (TimeoutError, ClientError, OSError) as error:
        log.warning("request %s about %s in %s was not answered: %r", request_id_of(request), key, topic, error)
        problem = unavailable("The worker that owns this key has not answered in time.")
    return await _else(problem, otherwise)


async def _else(problem: Problem, otherwise: Callable[[], Awaitable[web.StreamResponse]] | None) -> web.StreamResponse:
    if otherwise is None:
        raise problem
    return await otherwise()


async def _forward(request: web.Request, owner: URL, body: bytes | None, mark: str) -> web.StreamResponse:
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
    headers.popall(CONTENT_ENCODING, None)  # the body was unpacked when it was read
    headers[mark] = "1"
    headers[REQUEST_ID] = request_id_of(request)
    limit = ClientTimeout(total=settings.forward_timeout_s + wait_s(request.headers), connect=CONNECT_TIMEOUT_S)
    content = body if body is not None else await request.read()
    async with request.app[_session].request(
        request.method,
        owner.join(request.rel_url),
        headers=headers,
        data=content or None,
        timeout=limit,
        allow_redirects=False,
    ) as told:
        back = CIMultiDict((name, value) for name, value in told.headers.items() if name.lower() not in _NOT_SENT_BACK)
        return web.Response(status=told.status, body=await told.read(), headers=back)


async def _pooled_session(served: web.Application) -> AsyncIterator[None]:
    connector = TCPConnector(limit=0, limit_per_host=CONNECTIONS_TO_A_WORKER)
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False) as session:
        served[_session] = session
        yield


web_app.cleanup_ctx.append(_pooled_session)
