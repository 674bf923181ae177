"""What every answer tells browsers, which pages may call, and what is served where."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import ClientSession, web

from app.access_settings import AccessSettings
from app.main import access
from views import edge as edge_module
from views import hardening, serving
from views.edge import edge
from views.hardening import HARDENED

SHOP = "https://shop.example"
ASKS = {"Origin": SHOP, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


@pytest.fixture
async def base(free_port: int) -> AsyncIterator[str]:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="here")

    served = web.Application(middlewares=[edge])
    for path in ("/health", "/v1/inventory"):
        served.router.add_get(path, page)
    runner = serving.Runner(served)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", free_port).start()
    try:
        yield f"http://127.0.0.1:{free_port}"
    finally:
        await runner.cleanup()


@pytest.fixture
def change(monkeypatch: pytest.MonkeyPatch) -> Any:
    def to(**changed: Any) -> AccessSettings:
        made = replace(access, **changed)
        for module in (edge_module, hardening, serving):
            monkeypatch.setattr(module, "access", made)
        return made

    return to


@pytest.mark.parametrize("path", ["/health", "/v1/inventory", "/nothing"])
async def test_every_answer_is_hardened(base: str, path: str) -> None:
    async with ClientSession() as session, session.get(base + path) as answer:
        assert {name: answer.headers[name] for name in HARDENED} == HARDENED
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
        assert "Strict-Transport-Security" not in answer.headers


async def test_by_default_no_page_may_call(base: str) -> None:
    async with ClientSession() as session:
        async with session.options(f"{base}/v1/inventory", headers=ASKS) as answer:
            assert answer.status in (401, 405)
            assert "Access-Control-Allow-Origin" not in answer.headers
        async with session.get(f"{base}/health", headers={"Origin": SHOP}) as answer:
            assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_page_that_is_named_may_call(base: str, change: Any) -> None:
    change(cors_origins=f"{SHOP}, https://other.example")
    async with ClientSession() as session:
        async with session.options(f"{base}/v1/inventory", headers=ASKS) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (204, SHOP)
            assert "x-api-key" in answer.headers["Access-Control-Allow-Headers"]
            assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        key = {"x-api-key": "demo"}
        async with session.get(f"{base}/v1/inventory", headers={"Origin": SHOP, **key}) as answer:
            assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, SHOP)
            assert (answer.headers["Vary"], "Access-Control-Allow-Credentials" in answer.headers) == ("Origin", False)
        for origin in ("https://evil.example", "null", f"{SHOP}.evil.example", ""):
            async with session.options(f"{base}/v1/inventory", headers={**ASKS, "Origin": origin}) as answer:
                assert answer.status in (401, 405)
                assert "Access-Control-Allow-Origin" not in answer.headers


async def test_a_second_port_has_what_needs_no_credentials_and_nothing_else(
    base: str, free_port: int, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = {"x-api-key": "demo"}
    async with ClientSession() as session:
        for path, expected in (("/health", 200), ("/v1/inventory", 200)):
            async with session.get(base + path, headers=key) as answer:
                assert answer.status == expected, "without one, both are here"
        change(service_port=free_port)
        for path, expected in (("/health", 200), ("/v1/inventory", 404)):
            async with session.get(base + path, headers=key) as answer:
                assert answer.status == expected, "this is the second port"
        change(service_port=1)
        for path, expected in (("/health", 404), ("/v1/inventory", 200)):
            async with session.get(base + path, headers=key) as answer:
                assert answer.status == expected, "this is the first"
