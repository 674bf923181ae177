"""A client that checks every answer against the OpenAPI document that the worker itself serves."""

import re
from dataclasses import dataclass
from typing import Any

import aiohttp
from jsonschema import Draft202012Validator
from multidict import CIMultiDictProxy

PROBLEM = "application/problem+json"


@dataclass(frozen=True)
class Reply:
    """An answer: `body` is its JSON."""

    status: int
    headers: CIMultiDictProxy[str]
    body: Any


class Document:
    """The OpenAPI document as a judge of answers."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = document["components"]
        self._calls = [
            (re.compile(re.sub(r"{\w+}", "[^/]+", path)), item)
            # what has no parameter goes first, as in the router
            for path, item in sorted(document["paths"].items(), key=lambda it: it[0].count("{"))
        ]

    def check(self, method: str, path: str, reply: Reply) -> None:
        """Fail unless the document has this answer of this call."""
        assert "x-request-id" in reply.headers
        media = reply.headers["Content-Type"].split(";")[0]
        if reply.status >= 400 and not path.startswith("/health"):
            assert media == PROBLEM
            self._fits("#/components/schemas/Problem", reply.body)
            assert (reply.body["status"], reply.body["instance"]) == (reply.status, path)
        if reply.status == 503 and path.startswith("/v1"):
            assert int(reply.headers["Retry-After"]) >= 1
        for pattern, item in self._calls:
            if pattern.fullmatch(path) and method.lower() in item:
                described = item[method.lower()]["responses"][str(reply.status)]["content"][media]
                if "schema" in described:
                    self._fits(described["schema"]["$ref"], reply.body)
                return
        assert reply.status in (401, 404, 405), f"{method} {path} is not described"

    def _fits(self, reference: str, body: Any) -> None:
        Draft202012Validator({"$ref": reference, "components": self._components}).validate(body)


class Api:
    """Calls of one application to the worker at `url`."""

    def __init__(self, url: str, session: aiohttp.ClientSession, document: Document) -> None:
        self.url = url
        self._session = session
        self._document = document

    async def call(
        self,
        method: str,
        path: str,
        json: Any = None,
        *,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        key: str | None = "demo",
    ) -> Reply:
        """Make the call with a JSON body, or with `data` as it is, and check the answer."""
        sent = {**({} if key is None else {"x-api-key": key}), **(headers or {})}
        if data is not None:
            sent.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, self.url + path, json=json, data=data, headers=sent, params=query
        ) as response:
            reply = Reply(response.status, response.headers, await response.json(content_type=None))
        self._document.check(method, path, reply)
        return reply

    async def text(self, path: str) -> tuple[str, CIMultiDictProxy[str]]:
        """What stands at `path`, and its headers; fails unless there is something."""
        async with self._session.get(self.url + path) as response:
            assert response.status == 200
            return await response.text(), response.headers

    async def supply(self, product_id: str, quantity: int) -> None:
        """Make on-hand of a product `quantity`."""
        reply = await self.call(
            "PUT", "/v1/inventory/update", {"productId": product_id, "quantity": quantity, "price": 250}
        )
        assert (reply.status, reply.body["onHand"]) == (200, quantity)

    async def stock(self, product_id: str) -> tuple[int, int]:
        """On-hand and reserved of a product."""
        reply = await self.call("GET", f"/v1/inventory/{product_id}")
        assert reply.status == 200
        return reply.body["onHand"], reply.body["reserved"]
