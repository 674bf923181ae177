"""Whatever a client sends: a problem document of the contract, and nothing has changed."""

import json
from typing import Any

import aiohttp
import pytest
from yarl import URL

from app.embedded.workers import Worker
from tests.contract.api import Api

ITEM = {"productId": "bad-input", "quantity": 1}
STRANGE = ("", " ", "a/b", "../a", "a\u0000", "a\n", "é", "x" * 65, "💥", 1, None)
ITEMS = [{"productId": f"bad-{number}", "quantity": 1} for number in range(101)]
UPDATE = "/v1/inventory/update"


def order(**changed: Any) -> bytes:
    return json.dumps({"orderId": "bad-input", "userId": "u", "items": [ITEM], **changed}).encode()


def items(*given: Any) -> bytes:
    return order(items=list(given))


def stock(**changed: Any) -> bytes:
    return json.dumps({"productId": "bad-input", "quantity": 1, **changed}).encode()


BAD_ORDERS: list[tuple[bytes, int]] = [
    (b"", 400),
    (b"not JSON", 400),
    (order()[:-1], 400),
    (order() + order(), 400),
    (order(userId="?").replace(b"?", b"\xff"), 400),
    (b"[" * 200_000, 400),
    (order()[:-1] + b',"userId":"v"}', 400),
    (b"[]", 422),
    (b"null", 422),
    (b"{}", 422),
    (order(colour="red"), 422),
    (order(userId=7), 422),
    (order(userId=None), 422),
    *(
        (order(orderId=wrong), 422)
        for wrong in ("", " ", "a/b", "../a", "a\u0000", "a\n", "é", "x" * 65, "💥", 1, None)
    ),
    *((items({**ITEM, "quantity": wrong}), 422) for wrong in (0, -1, 10_001, 2**63, 10**300, 1.5, "1", True, None)),
    (items(), 422),
    (items(*ITEMS), 422),
    (items(ITEM, ITEM), 422),
    (items({**ITEM, "price": 1}), 422),
    (order(payment={"mode": "later"}), 422),
    (order(payment="card"), 422),
    (order(metadata={"a": {"b": "c"}}), 422),
    (order(metadata={"a": "x" * 201}), 422),
    *((order(metadata={wrong: "x"}), 422) for wrong in ("", "x" * 41, "a\u0000b", "$ref")),
    *((order(shipping={"address": {wrong: "x"}}), 422) for wrong in ("", "x" * 41, "a\u0000b", "$ref")),
]


@pytest.mark.parametrize(("body", "status"), BAD_ORDERS)
async def test_an_order_that_is_none_is_refused_and_changes_nothing(api: Api, body: bytes, status: int) -> None:
    reply = await api.call("POST", "/v1/orders", data=body)
    assert reply.status == status
    assert bool(reply.body.get("errors")) == (status == 422)
    assert (await api.call("GET", "/v1/orders/bad-input")).status == 404


async def test_a_product_that_stands_twice_is_pointed_at(api: Api) -> None:
    reply = await api.call("POST", "/v1/orders", data=items(*ITEMS[:3], ITEMS[1]))
    assert [error["pointer"] for error in reply.body["errors"]] == ["/items/3/productId"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (stock(quantity=-1), 422),
        (stock(quantity=2**40), 422),
        (stock(quantity="1"), 422),
        (stock(mode="add"), 422),
        (stock(price=-1), 422),
        (stock(currency="usd"), 422),
        (stock(name=""), 422),
        (stock(productId="a/b"), 422),
        (stock(onHand=1), 422),
    ],
)
async def test_a_change_of_stock_that_is_none_is_refused(api: Api, body: bytes, status: int) -> None:
    assert (await api.call("PUT", UPDATE, data=body)).status == status
    assert (await api.call("GET", "/v1/inventory/bad-input")).status == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/v1/orders"), ("PUT", UPDATE), ("POST", "/v1/payments"), ("POST", "/v1/shipping")],
)
async def test_a_body_must_be_json_and_not_too_large(api: Api, method: str, path: str) -> None:
    for kind in ("text/plain", "application/xml", "application/json; charset=utf-16"):
        assert (await api.call(method, path, data=b"{}", headers={"Content-Type": kind})).status == 415
    assert (await api.call(method, path, data=b" " * (1024**2 + 1))).status == 413
    assert (await api.call(method, path, data=b" " * 1024**2)).status == 400


async def test_a_body_of_ten_megabytes_is_refused(worker: Worker, api: Api) -> None:
    headers = {"x-api-key": "demo", "Content-Type": "application/json", "Expect": "100-continue"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"http://127.0.0.1:{worker.port}/v1/orders", data=b"x" * 10_000_000) as response,
    ):
        assert (response.status, response.content_type) == (413, "application/problem+json")
    assert (await api.call("GET", "/health")).status == 200


async def test_a_cancel_may_have_no_body_but_not_a_bad_one(api: Api, fresh: str) -> None:
    path = f"/v1/orders/{fresh}/cancel"
    assert (await api.call("PUT", path, data=b"")).status == 404
    assert (await api.call("PUT", path, data=b"{}")).status == 404
    assert (await api.call("PUT", path, data=b"now")).status == 400
    assert (await api.call("PUT", path, data=b'{"why":"so"}')).status == 422


@pytest.mark.parametrize("path", ["/v1/orders/{}", "/v1/orders/status/{}", "/v1/orders/{}/events", "/v1/inventory/{}",
                                  "/v1/payments/{}", "/v1/shipping/{}"])  # fmt: skip
@pytest.mark.parametrize("strange", ["a%20b", "%00", "a%0A", "%F0%9F%92%A5", "x" * 65, "a%2Fb"])
async def test_an_id_that_nothing_can_have_is_not_found(worker: Worker, path: str, strange: str) -> None:
    # as it is on the wire: clients tidy addresses up
    url = f"http://127.0.0.1:{worker.port}{path.format(strange)}"
    async with (
        aiohttp.ClientSession(headers={"x-api-key": "demo"}) as session,
        session.get(URL(url, encoded=True)) as response,
    ):
        assert (response.status, response.content_type) == (404, "application/problem+json")


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "x"},
        {"limit": "1001"},
        {"cursor": "x"},
        {"status": "GONE"},
        {"userId": "a b"},
        {"q": "1"},
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    assert (await api.call("GET", "/v1/orders", query=query)).status == 422
    if "status" not in query and "userId" not in query:
        assert (await api.call("GET", "/v1/inventory", query=query)).status == 422


async def test_who_calls_must_say_so(api: Api) -> None:
    for key in (None, ""):
        reply = await api.call("GET", "/v1/orders/1", key=key)
        assert (reply.status, "x-api-key" in reply.headers["WWW-Authenticate"]) == (401, True)
    assert (await api.call("GET", "/v1/nothing", key=None)).status == 401


@pytest.mark.parametrize("path", ["/v1/", "/v1/nothing", "/v1/orders/1/2/3", "/v2/orders", "/favicon.ico"])
async def test_where_there_is_nothing_it_says_so(api: Api, path: str) -> None:
    assert (await api.call("GET", path)).status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/orders", {"GET", "HEAD", "POST"}),
        ("PATCH", "/v1/orders/1", {"GET", "HEAD"}),
        ("POST", "/v1/orders/1/cancel", {"PUT"}),
        ("POST", UPDATE, {"GET", "HEAD", "PUT"}),
        ("PUT", "/v1/payments", {"POST"}),
        ("POST", "/health", {"GET", "HEAD"}),
    ],
)
async def test_a_method_that_is_not_taken_is_told_which_are(
    api: Api, method: str, path: str, allowed: set[str]
) -> None:
    reply = await api.call(method, path)
    assert (reply.status, set(reply.headers["Allow"].split(","))) == (405, allowed)


async def test_the_id_of_a_request_comes_back_if_it_is_one(api: Api) -> None:
    assert (await api.call("GET", "/health", headers={"x-request-id": "r-1"})).headers["x-request-id"] == "r-1"
    for strange in ("x" * 129, "a b", "é"):
        made = (await api.call("GET", "/health", headers={"x-request-id": strange})).headers["x-request-id"]
        assert len(made) == 32
