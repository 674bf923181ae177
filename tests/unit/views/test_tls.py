"""With a certificate, clients and other workers speak TLS, and believe only whom they are told to."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from aiohttp import ClientConnectorCertificateError, ClientSession, TCPConnector, web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from app.access_settings import AccessSettings
from views import hardening
from views.edge import edge
from views.serving import Runner


@pytest.fixture
def access(tmp_path: Path) -> AccessSettings:
    """A certificate that this worker made for itself, and is trusted by it."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "worker")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(private, SHA256())
    )  # fmt: skip
    (tmp_path / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "key.pem").write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cert, key = str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")
    return AccessSettings(tls_certificate_file=cert, tls_key_file=key, tls_ca_file=cert)


@pytest.fixture
async def url(access: AccessSettings, free_port: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    monkeypatch.setattr(hardening, "access", access)
    served = web.Application(middlewares=[edge])
    served.router.add_get("/health", page)
    runner = Runner(served, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port, ssl_context=access.server_tls()).start()
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
