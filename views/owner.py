"""One key, one worker: a request about a key is answered where its row is, and is forwarded there once.

Faust's own router drops bodies and headers and answers `500` for a dead owner, so the forwarder is ours.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from aiohttp.hdrs import METH_GET, METH_HEAD
from confluent_kafka import KafkaException
from multidict import CIMultiDict
from yarl import URL

from app.delivery import TRACEPARENT, Moved, Unavailable, owner_of
from app.main import access, app, settings
from views.admission import FORWARDED, mark_of
from views.edge import REQUEST_ID, request_id_of
from views.held import HELD_UP
from views.page import web_app
from views.preference import wait_s
from views.problems import Problem, unavailable
from views.silence import Silence
from views.trace import traceparent_of

log: Final = logging.getLogger(__name__)

NO_OWNER: Final = "x-no-owner"
"""Marks the `503` of a key that has no owner, for the worker that forwarded the request: that one may wait."""

CONNECT_TIMEOUT_S: Final = 1.0
CONNECTIONS_TO_A_WORKER: Final = 256
READ_MARGIN_S: Final = 1.0
"""What a read that is forwarded may take longer than its owner waits, before MongoDB is asked instead."""

_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailers", "transfer-encoding",
     "upgrade", "content-length", "host", "expect")
)  # fmt: skip
_NOT_SENT_BACK: Final = _HOP_BY_HOP | {"date", "server", REQUEST_ID, TRACEPARENT}

_session: Final = web.AppKey("session", ClientSession)
_silence: Final = Silence()

Handler = Callable[[int], Awaitable[web.StreamResponse]]
"""Answers, given the key's partition."""


class NoOwner(Problem):
    """`503`: the key has no owner that answers, or lost it on the way. Whether what was asked is done is not known."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, detail, headers={**unavailable(detail).headers, NO_OWNER: "1"})


async def on_owner(
    request: web.Request,
    topic: str,
    key: str,
    here: Handler,
    *,
    body: bytes | None = None,
    mark: str = FORWARDED,
    otherwise: Handler | None = None,
) -> web.StreamResponse:
    """Answer by `here` on the worker that owns `key` in `topic`: this one, or the one it is forwarded to.

    `body` is sent in place of the request's own; `mark` is the header by which one that was forwarded is known. While
    the key has no owner that answers, the answer is `otherwise`, or a `NoOwner` (503). Without an `otherwise` it is not
    known whether a lost owner has done what was asked. Raises `Problem` (503), too, while Kafka takes no messages.
    """
    problem: Problem
    owner = owner_of(app, topic, key.encode())
    try:
        if owner.here:
            return await here(owner.partition)
        elsewhere = owner.url is not None and owner.url != app.own_url
        if not elsewhere or mark in request.headers:
            problem = NoOwner("This key is moving from one worker to another.")
        elif not _silence.may_ask(str(owner.url)):
            problem = NoOwner("The worker that owns this key does not answer.")
        else:
            limit_s = settings.forward_timeout_s if otherwise is None else settings.read_timeout_s + READ_MARGIN_S
            told = await _forward(request, str(owner.url), body, mark, limit_s + wait_s(request.headers))
            if told.status != 503 or otherwise is None or HELD_UP in told.headers:
                return told
            problem = NoOwner("The worker that owns this key can't answer now.")
    except Moved:
        problem = NoOwner("This key has just moved to another worker.")
    except (Unavailable, KafkaException):
        problem = unavailable("Kafka does not take messages now.")
    except (TimeoutError, ClientError, OSError) as error:
        log.warning("a request about %s in %s was not answered: %r", key, topic, error)
        problem = NoOwner("The worker that owns this key has not answered in time.")
    if otherwise is None:
        raise problem
    return await otherwise(owner.partition)


async def _forward(request: web.Request, owner: str, body: bytes | None, mark: str, limit_s: float) -> web.Response:
    headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP)
    headers[mark] = mark_of(request, mark, request_id_of(request))
    headers[REQUEST_ID] = request_id_of(request)
    traceparent = traceparent_of(request)
    if traceparent:
        headers[TRACEPARENT] = traceparent
    content = body if body is not None else await request.read()
    with _silence.asking(owner):
        async with request.app[_session].request(
            METH_GET if request.method == METH_HEAD else request.method,  # so that it can be told how long it is
            URL(owner).join(request.rel_url),
            headers=headers,
            data=content or None,
            timeout=ClientTimeout(total=limit_s, connect=CONNECT_TIMEOUT_S),
            allow_redirects=False,
        ) as told:
            body_told = await told.read()
    back = CIMultiDict((name, value) for name, value in told.headers.items() if name.lower() not in _NOT_SENT_BACK)
    return web.Response(status=told.status, body=body_told, headers=back)


async def _pooled_session(served: web.Application) -> AsyncIterator[None]:
    connector = TCPConnector(limit=0, limit_per_host=CONNECTIONS_TO_A_WORKER, ssl=access.client_tls())
    async with ClientSession(connector=connector, cookie_jar=DummyCookieJar(), auto_decompress=False) as session:
        served[_session] = session
        yield


web_app.cleanup_ctx.append(_pooled_session)
