"""What an address publishes is fetched, and whatever else it answers is the same as no answer."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from app.adapters.published_keys import LARGEST, fetch_key_set
from app.security.known_keys import StoreAway
from app.security.token_keys import PublishedKeys
from tests.unit.security.test_tokens import jwk

ANSWERS = {
    "/keys": web.json_response,
    "/gone": lambda _: web.Response(status=500),
    "/elsewhere": lambda _: web.Response(status=302, headers={"Location": "/keys"}),
    "/text": lambda _: web.Response(text="keys"),
    "/huge": lambda _: web.Response(body=b" " * (LARGEST + 1)),
}


@pytest.fixture
async def address() -> AsyncIterator[TestServer]:
    async def answer(request: web.Request) -> web.Response:
        return ANSWERS[request.path]({"keys": [jwk("ES256")]})

    served = web.Application()
    for path in ANSWERS:
        served.router.add_get(path, answer)
    async with TestServer(served) as server:
        yield server


async def test_published_keys_are_found(address: TestServer) -> None:
    url = str(address.make_url("/keys"))
    key = await PublishedKeys(lambda: fetch_key_set(url)).find("ES256")
    assert key is not None
    assert key.algorithm == "ES256"


@pytest.mark.parametrize("path", ["/gone", "/elsewhere", "/text", "/huge", "/none"])
async def test_what_is_no_key_set_is_no_answer(address: TestServer, path: str) -> None:
    with pytest.raises(StoreAway):
        await fetch_key_set(str(address.make_url(path)))


async def test_an_address_that_nobody_serves_is_no_answer(free_port: int) -> None:
    async with asyncio.timeout(10):
        with pytest.raises(StoreAway):
            await fetch_key_set(f"http://127.0.0.1:{free_port}/keys")
