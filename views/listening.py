"""Listening for clients: all that wait are taken in at each turn of the loop.

uvloop takes in one a turn. Under load a turn is some 50 ms, so that new clients waited for seconds before anybody told
them anything, be it only that there is too much to do.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from contextlib import suppress
from ssl import SSLContext
from typing import Any, Final

from aiohttp import web

log: Final = logging.getLogger(__name__)

WAITING: Final = 1024
"""Connections that wait while the loop is busy. With asyncio's 128 the system reset a burst of clients, after fifteen
seconds in which they had heard nothing."""
AGAIN_S: Final = 1.0
"""How long nobody is taken in when the system has no more room (file descriptors, memory)."""
HANDSHAKE_S: Final = 10.0
"""How long a client may take to agree on TLS."""


class Site(web.BaseSite):
    """Listens at all addresses of `host`."""

    __slots__ = ("_host", "_joining", "_port", "_sockets")

    def __init__(self, runner: web.AppRunner, host: str, port: int, tls: SSLContext | None = None) -> None:
        super().__init__(runner, ssl_context=tls, backlog=WAITING)
        self._host = host
        self._port = port
        self._sockets: list[socket.socket] = []
        self._joining: set[asyncio.Task[None]] = set()

    @property
    def name(self) -> str:
        """Its address."""
        return f"{'http' if self._ssl_context is None else 'https'}://{self._host}:{self._port}"

    async def start(self) -> None:
        """Listen. Raises `OSError`."""
        await super().start()
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, address in {(family, address) for family, _, _, _, address in found}:
            listening = socket.socket(family, socket.SOCK_STREAM)
            self._sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.setblocking(False)
            listening.bind(address)
            listening.listen(self._backlog)
            loop.add_reader(listening, self._take_in, listening)

    async def stop(self) -> None:
        """Listen no more; who is there stays."""
        for listening in self._sockets:
            asyncio.get_running_loop().remove_reader(listening)
            listening.close()
        self._sockets.clear()
        for joining in self._joining:
            joining.cancel()
        await super().stop()

    def _take_in(self, listening: socket.socket) -> None:
        for _ in range(self._backlog):
            try:
                client, _ = listening.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(listening, error)
                return
            client.setblocking(False)
            joining = asyncio.get_running_loop().create_task(self._join(client))
            self._joining.add(joining)
            joining.add_done_callback(self._joining.discard)

    async def _join(self, client: socket.socket) -> None:
        assert self._runner.server is not None, "it is set up"
        tls: dict[str, Any] = {}
        if self._ssl_context is not None:
            tls = {"ssl": self._ssl_context, "ssl_handshake_timeout": HANDSHAKE_S}
        with suppress(OSError):  # who hangs up in between, or speaks no TLS, is gone
            await asyncio.get_running_loop().connect_accepted_socket(self._runner.server, client, **tls)

    def _rest(self, listening: socket.socket, error: OSError) -> None:
        log.error("no client can be taken in for now: %s", error)
        loop = asyncio.get_running_loop()
        loop.remove_reader(listening)
        loop.call_later(AGAIN_S, self._go_on, listening)

    def _go_on(self, listening: socket.socket) -> None:
        if listening in self._sockets:
            asyncio.get_running_loop().add_reader(listening, self._take_in, listening)
