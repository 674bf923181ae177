"""Listening for clients: a burst of them waits for a busy loop, and is then taken in at once."""

import asyncio
import errno
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager

import pytest
import uvloop
from aiohttp import ClientSession, web

from views import listening
from views.listening import Site
from views.serving import Runner

BURST = 600


async def page(_request: web.Request) -> web.Response:
    return web.Response(text="here")


@asynccontextmanager
async def serving(host: str, port: int) -> AsyncIterator[Runner]:
    served = web.Application()
    served.router.add_get("/", page)
    runner = Runner(served)
    await runner.setup()
    await Site(runner, host, port).start()
    try:
        yield runner
    finally:
        await runner.cleanup()


async def said(port: int) -> str:
    """What the page says."""
    async with ClientSession() as session, session.get(f"http://127.0.0.1:{port}/") as answer:
        return await answer.text()


async def turns_for_a_burst(port: int, stack: ExitStack) -> int:
    """How many turns of the loop it takes until all clients are in, that came while it was busy."""
    async with serving("127.0.0.1", port) as runner:
        for _ in range(BURST):  # beyond what may wait, the next would not come through
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=1.0))
        turns = 0
        assert runner.server is not None
        while len(runner.server.connections) < BURST:
            turns += 1
            await asyncio.sleep(0)
        return turns


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_burst_of_clients_waits_for_a_busy_loop_and_is_taken_in_at_once(free_port: int, loop: type) -> None:
    with ExitStack() as stack, asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(turns_for_a_burst(free_port, stack)) < 10


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_it_listens_at_all_addresses_of_its_host_and_after_its_end_at_none(free_port: int, host: str) -> None:
    async with serving(host, free_port):
        assert await said(free_port) == "here"
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", free_port), timeout=1.0)


async def test_an_address_that_is_taken_is_told(free_port: int) -> None:
    async with serving("127.0.0.1", free_port):
        with pytest.raises(OSError, match="in use"):
            async with serving("127.0.0.1", free_port):
                pass


async def test_when_the_system_has_no_room_clients_wait_until_it_has(
    free_port: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(listening, "AGAIN_S", 0.05)
    accept, full = socket.socket.accept, [OSError(errno.EMFILE, "Too many open files")]

    def refused_once(self: socket.socket) -> tuple[socket.socket, object]:
        if full:
            raise full.pop()
        return accept(self)

    monkeypatch.setattr(socket.socket, "accept", refused_once)
    async with serving("127.0.0.1", free_port):
        assert await said(free_port) == "here"
    assert "no client can be taken in for now" in caplog.text
