"""How connections are served: with limits on heads and their time, and problem documents where aiohttp answers itself.

aiohttp waits for the head of a request for ever, and says in plain text, and in the log, what it could not read.
"""

from __future__ import annotations

import asyncio
import uuid
from ssl import SSLContext
from typing import Any, Final, cast

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web_protocol import RequestHandler
from faust.web.drivers.aiohttp import Web

from app.main import access, app
from views.edge import MOST_HEADERS, too_many_headers
from views.hardening import HARDENED
from views.listening import Site
from views.page import web_app
from views.problems import Problem, problem_response

HEAD_WITHIN_S: Final = 10.0
"""How long a client may take to send the head of a request."""
KEPT_OPEN_S: Final = 75.0
"""How long a connection may be idle: longer than proxies keep theirs."""
LARGEST_LINE: Final = 8190
_TOO_MANY_HEADERS: Final = "Too many headers received"
"""aiohttp has no class of its own for this."""
_DETAILS: Final = {417: "Nothing but 100-continue can be expected."}
MOST_PARSED: Final = MOST_HEADERS + 28
"""Headers that are read: those that a client may send, and room for the ones of workers."""


class Connection(RequestHandler):
    """One connection to a client."""

    __slots__ = ("_head_due", "_taken_due")

    def __init__(self, manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._head_due: asyncio.TimerHandle | None = None
        self._taken_due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the client in, unless too many are there already."""
        super().connection_made(transport)
        if self._manager is not None and len(self._manager.connections) > access.connections:
            self.force_close()
            cast(asyncio.Transport, transport).abort()
        else:
            self._expect_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """The client is gone."""
        self._head_is_here()
        super().connection_lost(exc)
        self._is_taken()

    def pause_writing(self) -> None:
        """The client does not take what it is told as fast as it is told. It must, in time."""
        super().pause_writing()
        self._must_be_taken(self.transport)

    def resume_writing(self) -> None:
        """It has taken most of it: enough, unless it must take all before the connection ends."""
        if self.transport is not None and not self.transport.is_closing():
            self._is_taken()
        super().resume_writing()

    def force_close(self) -> None:
        """End the connection, behind what the client has not taken yet; it has time for that, and no more."""
        self._must_be_taken(self.transport)
        super().force_close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send the answer. What aiohttp raises before the edge sees the request is made a problem document here."""
        if isinstance(resp, web.HTTPException) and resp.status >= 400:
            resp = _told(Problem(resp.status, _DETAILS.get(resp.status, resp.reason)))
        return await super().finish_response(request, resp, start_time)

    async def start(self) -> None:
        """Serve the client until it, or the last answer, ends the connection."""
        transport = self.transport
        await super().start()
        self._must_be_taken(transport)

    def data_received(self, data: bytes) -> None:
        """Read on. Whoever begins a head must end it in time, however slowly it trickles in."""
        before = self._request_count
        super().data_received(data)
        if self._request_count > before:
            self._head_is_here()
        elif not self._request_in_progress and not self._messages:
            self._expect_head()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it repeats what was sent, so it is told to nobody
    ) -> web.StreamResponse:
        """Say that the request can't be read, and end the connection."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer is under way already")
        if isinstance(exc, LineTooLong):
            problem = Problem(431, f"A line of the head is longer than {LARGEST_LINE} bytes.")
        elif isinstance(exc, BadHttpMessage) and exc.message == _TOO_MANY_HEADERS:
            problem = too_many_headers()
        elif status < 500:
            problem = Problem(400, "This is no request by HTTP/1.1.")
        else:
            problem = Problem(status, "This was not expected.")
        return _told(problem)

    def _expect_head(self) -> None:
        if self._head_due is None:
            self._head_due = asyncio.get_running_loop().call_later(HEAD_WITHIN_S, self._give_up)

    def _head_is_here(self) -> None:
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None

    def _must_be_taken(self, transport: asyncio.Transport | None) -> None:
        """A transport that is closed waits for ever for a client that takes nothing; nor does it tell of that."""
        if self._taken_due is None and transport is not None and transport.get_write_buffer_size():
            self._taken_due = asyncio.get_running_loop().call_later(access.answer_within_s, transport.abort)

    def _is_taken(self) -> None:
        if self._taken_due is not None:
            self._taken_due.cancel()
            self._taken_due = None

    def _give_up(self) -> None:
        self._head_due = None
        if not self._request_in_progress:
            self.force_close()


def _told(problem: Problem) -> web.Response:
    """The answer to a request that the edge has not seen. It is the last one on its connection."""
    response = problem_response(problem, "")
    response.headers.update({**HARDENED, "x-request-id": uuid.uuid4().hex})
    response.force_close()
    return response


class Connections(web.Server):
    """Makes a `Connection` for each client."""

    def __call__(self) -> RequestHandler:
        """A connection that is not made yet."""
        return Connection(self, loop=self._loop, **self._kwargs)


class Runner(web.AppRunner):
    """Serves the app, and on the second port, where that is set, what needs no credentials."""

    __slots__ = ()

    def __init__(self, served: web.Application) -> None:
        super().__init__(
            served,
            access_log=None,
            max_line_size=LARGEST_LINE,
            max_field_size=LARGEST_LINE,
            max_headers=MOST_PARSED,
            keepalive_timeout=KEPT_OPEN_S,
            auto_decompress=False,  # it unpacks as the bytes come in, whoever sends them and however much they become
        )

    async def setup(self) -> None:
        """Begin; the first port is opened by Faust."""
        await super().setup()
        if access.service_port:
            await self.site(access.service_port).start()

    def site(self, port: int, tls: SSLContext | None = None) -> Site:
        """Where it listens; not started."""
        return Site(self, app.conf.web_bind, port, tls)

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Connections(made.request_handler, request_factory=made.request_factory, loop=made._loop, **made._kwargs)


_runner: Final = Runner(web_app)
_web: Final = cast(Web, app.web)
_web._runner = _runner
_web._transport_handlers = {"tcp": lambda: _runner.site(app.conf.web_port, app.conf.web_ssl_context)}
