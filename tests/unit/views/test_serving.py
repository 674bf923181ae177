"""Straight at the socket: whatever a client sends, or does not send, it gets a problem document or is hung up on."""

import asyncio
import gzip
import json
import random
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple

import pytest
from aiohttp import ClientSession, ClientTimeout, web
from aiohttp.web_protocol import RequestHandler
from faust.web.drivers.aiohttp import Web

from app.main import access, app
from views import edge as edge_module
from views import serving
from views.edge import edge
from views.gate import Gate
from views.page import web_app
from views.serving import Runner

LARGE = 16 * 1024 * 1024
GOOD = b"GET /page HTTP/1.1\r\nHost: x\r\n\r\n"


class Told(NamedTuple):
    """An answer, and whether the connection was ended behind it."""

    status: int
    headers: dict[str, str]
    body: bytes


class Place:
    """A server with the project's connections and middleware, and one page."""

    def __init__(self, port: int, server: web.Server) -> None:
        self.port = port
        self.server = server

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port)

    async def say(self, *parts: bytes) -> Told | None:
        """The answer to these bytes; None when the server hangs up without one."""
        reader, writer = await self.connect()
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
            return await read_answer(reader)
        except (ConnectionError, asyncio.IncompleteReadError):
            return None
        finally:
            writer.close()


async def read_answer(reader: asyncio.StreamReader) -> Told:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Told(int(head[0].split(" ")[1]), headers, body)


async def hung_up(reader: asyncio.StreamReader) -> None:
    """Wait until the server ends the connection without a word."""
    with suppress(ConnectionError):
        assert await reader.read() == b""


async def page(request: web.Request) -> web.Response:
    return web.Response(text=f"{len(await request.read())} bytes")


async def large_page(_request: web.Request) -> web.Response:
    return web.Response(body=bytes(LARGE))


@pytest.fixture
async def place(free_port: int) -> AsyncIterator[Place]:
    served = web.Application(middlewares=[edge])
    served.router.add_get("/api-docs", page)
    served.router.add_get("/metrics", large_page)
    served.router.add_get("/v1/inventory", page)
    served.router.add_post("/v1/orders", page)
    runner = Runner(served)
    await runner.setup()
    await runner.site(free_port).start()
    try:
        assert runner.server is not None
        yield Place(free_port, runner.server)
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"x" * 50 + b"\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx-api-key: secret\x00\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\nx-long: " + b"x" * 9000 + b"\r\n\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 100 + b"\r\n", 431),
        (b"GET /v1/orders HTTP/1.1\r\nHost: a\r\n" + b"a: b\r\n" * 99 + b"\r\n", 401),
        (b"GET /v1/orders HTTP/1.1\r\nHost: a\r\nx-forwarded-to-owner: a\r\n" + b"a: b\r\n" * 110 + b"\r\n", 401),
        (b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"DELETE /api-docs/x HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /v1/orders HTTP/1.1\r\nHost: a\r\n\r\n", 401),
        (b"POST /v1/orders HTTP/1.1\r\nHost: a\r\nExpect: secret\r\nContent-Length: 0\r\n\r\n", 417),
    ],
)
async def test_what_can_not_be_served_is_told_in_a_problem_document(
    place: Place, sent: bytes, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    told = await place.say(sent)
    assert told is not None
    assert (told.status, told.headers["content-type"]) == (status, "application/problem+json")
    assert json.loads(told.body)["status"] == status
    for name in ("x-request-id", "x-content-type-options", "content-security-policy"):
        assert name in told.headers
    assert "aiohttp" not in str(told.headers)
    assert "secret" not in told.body.decode() + caplog.text


async def test_a_packed_body_is_left_packed(place: Place) -> None:
    """Unpacked, this one is 100 MB: the loop stood still for as long as that takes, for anybody."""
    packed = gzip.compress(bytes(100_000_000), 1)
    head = b"GET /api-docs HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
    told = await place.say(head % len(packed), packed)
    assert told is not None
    assert told.body == f"{len(packed)} bytes".encode()


async def test_who_trickles_a_head_is_hung_up_on_and_others_are_served(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The slow loris: 200 connections, each with a byte now and then."""
    monkeypatch.setattr(serving, "HEAD_WITHIN_S", 0.5)
    slow = [await place.connect() for _ in range(200)]

    async def trickle(writer: asyncio.StreamWriter) -> None:
        for byte in b"GET / HTTP/1.1\r\nHost: " + b"a" * 1000:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.1)

    trickling = [asyncio.create_task(trickle(writer)) for _, writer in slow]
    for _ in range(10):
        told = await place.say(b"GET /api-docs HTTP/1.1\r\nHost: a\r\n\r\n")
        assert told is not None
    async with asyncio.timeout(10):
        for reader, _ in slow:
            await hung_up(reader)
    for task in trickling:
        task.cancel()


async def test_a_connection_that_is_kept_open_has_time_for_each_head(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "HEAD_WITHIN_S", 0.3)
    reader, writer = await place.connect()
    for _ in range(3):
        writer.write(b"GET /api-docs HTTP/1.1\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"Host: a\r\n\r\n")
        assert (await read_answer(reader)).status == 200
        await asyncio.sleep(0.4)  # idle is no head
    writer.write(b"GET /api-docs")
    async with asyncio.timeout(5):
        await hung_up(reader)


@pytest.mark.parametrize("method", [b"POST /v1/orders", b"GET /v1/inventory"])
async def test_bodies_that_are_on_their_way_take_no_place_of_others(
    place: Place, monkeypatch: pytest.MonkeyPatch, method: bytes
) -> None:
    monkeypatch.setattr(edge_module, "_gate", Gate(1))
    monkeypatch.setattr(edge_module, "_bodies", Gate(2))
    head = b"%s HTTP/1.1\r\nHost: a\r\nx-api-key: demo\r\nContent-Length: %d\r\n\r\n"
    slow = [await place.connect() for _ in range(3)]
    for _, writer in slow:
        writer.write(head % (method, 5) + b"hel")
    answers = [asyncio.create_task(read_answer(reader)) for reader, _ in slow]
    done, waiting = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
    assert [(it.result().status, it.result().headers["retry-after"]) for it in done] == [(503, "1")]
    for said in (head % (b"GET /v1/inventory", 0), head % (b"POST /v1/orders", 5) + b"hello"):
        told = await place.say(said)
        assert told is not None
        assert told.status == 200
    for _, writer in slow:
        writer.write(b"lo")
    assert [(it.status, it.body) for it in await asyncio.gather(*waiting)] == [(200, b"5 bytes")] * 2


async def test_who_does_not_read_its_answer_is_hung_up_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "access", replace(access, answer_within_s=0.2))
    for last in (b"", b"Connection: close\r\n"):
        _, writer = await place.connect()
        writer.transport.pause_reading()
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n" + last + b"\r\n")
        async with asyncio.timeout(5):
            while not place.server.connections:
                await asyncio.sleep(0.01)
            while place.server.connections:
                await asyncio.sleep(0.01)
        writer.transport.abort()


async def test_who_reads_its_answer_late_but_in_time_goes_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "access", replace(access, answer_within_s=0.5))
    reader, writer = await place.connect()
    for _ in range(3):
        writer.transport.pause_reading()
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        await asyncio.sleep(0.3)
        writer.transport.resume_reading()
        assert len((await read_answer(reader)).body) == LARGE


class Deaf(asyncio.Transport):
    """To a client that takes no more: what is left of its answer is too little for the protocol to be told to pause."""

    def __init__(self) -> None:
        super().__init__()
        self.closing = False
        self.ended = asyncio.Event()

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.ended.set()

    def get_write_buffer_size(self) -> int:
        return 100


@pytest.mark.parametrize("then", [lambda connection: connection.resume_writing(), lambda _: None])
async def test_a_connection_that_is_ended_does_not_wait_for_ever_for_the_last_bytes_to_be_read(
    place: Place, monkeypatch: pytest.MonkeyPatch, then: Callable[[RequestHandler], None]
) -> None:
    monkeypatch.setattr(serving, "access", replace(access, answer_within_s=0.05))
    connection, deaf = place.server(), Deaf()
    connection.connection_made(deaf)
    connection.pause_writing()
    connection.force_close()
    then(connection)
    assert deaf.closing
    async with asyncio.timeout(5):
        await deaf.ended.wait()
    connection.connection_lost(None)


async def test_no_more_connections_than_are_set(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "access", replace(access, connections=10))
    kept = [await place.connect() for _ in range(10)]
    assert await place.say(GOOD) is None
    kept[0][1].close()
    async with asyncio.timeout(5):
        while await place.say(GOOD) is None:
            await asyncio.sleep(0.01)


async def test_connections_that_are_opened_and_dropped_leave_nothing(place: Place) -> None:
    for _ in range(20):
        for _, writer in [await place.connect() for _ in range(50)]:
            writer.transport.abort()
    assert await place.say(GOOD) is not None


async def test_any_bytes_are_answered_or_hung_up_on_and_never_with_a_500(place: Place) -> None:
    chance = random.Random(6)
    model = b"POST /api-docs HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nx-api-key: demo\r\n\r\nhello"
    async with ClientSession(timeout=ClientTimeout(total=5)) as session:
        for number in range(500):
            bent = bytearray(model)
            for _ in range(chance.randint(1, 6)):
                bent[chance.randrange(len(bent))] = chance.choice((0, 10, 13, 32, 58, 255, chance.randrange(256)))
            try:
                async with asyncio.timeout(0.2):
                    told = await place.say(bytes(bent))
            except TimeoutError:
                told = None  # it waits for the rest
            assert told is None or told.status < 500, bytes(bent)
            if number % 100 == 0:
                async with session.get(f"http://127.0.0.1:{place.port}/nothing") as answer:
                    assert answer.status == 404


def test_the_app_is_served_by_these_connections() -> None:
    assert isinstance(app.web, Web)
    assert isinstance(app.web._runner, Runner)
    assert app.web._runner.app is web_app
