"""The parts of the page: given whole, whatever the client says it has of them."""

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from app.main import app
from views.api_docs import TYPES, ApiDocsPart
from views.edge import edge

Client = TestClient[web.Request, web.Application]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async def part(request: web.Request) -> web.StreamResponse:
        return await ApiDocsPart(app, app.web).get(request, request.match_info["name"])

    served = web.Application(middlewares=[edge])
    served.router.add_get("/api-docs/{name}", part)
    async with TestClient(TestServer(served)) as made:
        yield made


@pytest.mark.parametrize("name", TYPES)
async def test_a_part_is_given_whole(client: Client, name: str) -> None:
    asked = ({}, {"Range": "bytes=99999999-"}, {"Range": "bytes=9-1"}, {"If-Match": '"x"'}, {"If-None-Match": "*"})
    bodies = []
    for headers in asked:
        async with client.get(f"/api-docs/{name}", headers=headers) as answer:
            assert (answer.status, answer.content_type) == (200, TYPES[name])
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            bodies.append(await answer.read())
    assert len(set(bodies)) == 1
    async with client.head(f"/api-docs/{name}") as answer:
        assert (answer.status, int(answer.headers["Content-Length"])) == (200, len(bodies[0]))


async def test_there_are_no_other_parts(client: Client) -> None:
    for name in ("index.html", "..%2fpackage.json", "swagger-ui.css.map"):
        async with client.get(f"/api-docs/{name}") as answer:
            assert (answer.status, answer.content_type) == (404, "application/problem+json")
