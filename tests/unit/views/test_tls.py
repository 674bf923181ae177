"""With a certificate, clients and other workers speak TLS, and believe only whom they are told to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector, web

from app.access_settings import AccessSettings
from tests.certificates import certificate_of
from views import hardening, listening
from views.edge import edge
from views.serving import Runner


@pytest.fixture
def access(tmp_path: Path) -> AccessSettings:
    """A certificate that this worker made for itself, and is trusted by it."""
    made = certificate_of("worker", tmp_path)
    cert, key = str(made.certificate), str(made.key)
    return AccessSettings(tls_certificate_file=cert, tls_key_file=key, tls_ca_file=cert)


@pytest.fixture
async def url(access: AccessSettings, free_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    monkeypatch.setattr(hardening, "access", access)
    served = web.Application(middlewares=[edge])
    served.router.add_get("/health", page)
    runner = Runner(served)
    await runner.setup()
    await runner.site(free_port, access.server_tls()).start()
    try:
        yield f"https://127.0.0.1:{free_port}/health"
    finally:
        await runner.cleanup()


async def test_who_trusts_the_certificate_is_served_and_told_to_come_by_tls_again(
    access: AccessSettings, url: str
) -> None:
    async with (
        ClientSession(connector=TCPConnector(ssl=access.client_tls())) as session,
        session.get(url) as answer,
    ):
        assert (answer.status, "max-age" in answer.headers["Strict-Transport-Security"]) == (200, True)


async def test_who_does_not_trust_it_sends_nothing(url: str) -> None:
    async with ClientSession(connector=TCPConnector(ssl=AccessSettings().client_tls())) as session:
        with pytest.raises(ClientConnectorCertificateError):
            await session.get(url)


async def test_who_speaks_no_tls_is_hung_up_on_and_others_are_served(
    access: AccessSettings, url: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "HANDSHAKE_S", 0.2)
    silent, _ = await asyncio.open_connection("127.0.0.1", free_port)
    plain, writer = await asyncio.open_connection("127.0.0.1", free_port)
    writer.write(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
    async with (
        ClientSession(connector=TCPConnector(ssl=access.client_tls())) as session,
        session.get(url) as answer,
    ):
        assert answer.status == 200
    async with asyncio.timeout(10):
        for reader in (silent, plain):
            with suppress(ConnectionError):
                assert not (await reader.read()).startswith(b"HTTP")
