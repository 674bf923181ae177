"""Bodies: what is taken, and how each thing that is wrong with one is told."""

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp import StreamReader, web
from aiohttp.base_protocol import BaseProtocol
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from schemas.http import CancelRequest, FieldProblem, OrderRequest
from schemas.values import IN_WORDS, NEW_ORDER_ID_PATTERN
from views.bodies import decode_body, field_problem, is_id, read_body, read_optional_body
from views.problems import Problem

ITEM = {"productId": "789", "quantity": 1}
SAMPLE = {"orderId": "123", "userId": "456", "items": [ITEM]}


def body(**changed: Any) -> bytes:
    return json.dumps(SAMPLE | changed).encode()


def items(*given: Any) -> bytes:
    return body(items=list(given))


def refusal(content: bytes) -> Problem:
    with pytest.raises(Problem) as raised:
        decode_body(content, OrderRequest)
    return raised.value


def test_the_sample_order_is_taken_as_it_is() -> None:
    order = decode_body(json.dumps(SAMPLE).encode(), OrderRequest)
    assert (order.order_id, order.user_id, order.items[0].product_id, order.items[0].quantity) == (
        "123",
        "456",
        "789",
        1,
    )


@pytest.mark.parametrize(
    ("content", "pointer"),
    [
        (b"[]", ""),
        (b"{}", "/userId"),
        (body(price=1), "/price"),
        (body(userId=456), "/userId"),
        (body(userId=None), "/userId"),
        (body(userId=""), "/userId"),
        (body(userId="x" * 65), "/userId"),
        (body(orderId="a/b"), "/orderId"),
        (body(orderId="a b"), "/orderId"),
        (body(orderId="."), "/orderId"),
        (body(orderId=".."), "/orderId"),
        (body(orderId="status"), "/orderId"),
        (body(userId=".."), "/userId"),
        (body(orderId="é"), "/orderId"),
        (body(orderId="1\n"), "/orderId"),
        (body(orderId="1\u0000"), "/orderId"),
        (body(orderId=None), "/orderId"),
        (items(), "/items"),
        (items(*[ITEM] * 101), "/items"),
        (items(ITEM, {"productId": "x"}), "/items/1/quantity"),
        (items(ITEM | {"name": "x"}), "/items/0/name"),
        *((items(ITEM | {"quantity": wrong}), "/items/0/quantity") for wrong in (0, -1, 10_001, 1.5, "1", True, None)),
        (items(ITEM | {"quantity": 10**400}), "/items/0/quantity"),
        *((items(ITEM).replace(b": 1}", b": %s}" % number), "/items/0/quantity") for number in (b"9" * 5000, b"1e400")),
        (body(payment={"mode": "never"}), "/payment/mode"),
        (body(payment={"card": "4242"}), "/payment/card"),
        (body(metadata={"a": 1}), "/metadata"),
        (body(metadata={"a": {"b": "c"}}), "/metadata"),
        (body(metadata={"x" * 41: ""}), "/metadata"),
        (body(metadata={str(n): "" for n in range(21)}), "/metadata"),
    ],
)
def test_json_that_is_no_such_body_is_refused_with_the_place(content: bytes, pointer: str) -> None:
    problem = refusal(content)
    assert problem.status == 422
    assert [error.pointer for error in problem.errors] == [pointer]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"order",
        b'{"userId":"456"',
        b'{"userId":456,',  # a wrong field, and then the end
        *(
            b'{"userId":456,"b":' + bad
            for bad in (b'"\xff"}', b'"\\ud800"}', b'"\\q"}', b'"\n"}', b"01}", b"NaN}", b"1} x")
        ),
        b'{"userId":1e400,',
        body()[:-1] + b',"extra":NaN}',
        body() + b"{}",
        body(userId="?").replace(b"?", b"\xff"),
        body(userId="?").replace(b"?", b"\\ud800"),
        b"[" * 100_000,
        b'{"metadata":' * 100_000,
    ],
)
def test_what_is_not_json_is_refused(content: bytes) -> None:
    assert refusal(content).status == 400


@pytest.mark.parametrize(
    "content",
    [
        b'{"userId":"a","userId":"b","items":[{"productId":"x","quantity":1}]}',
        b'{"userId":"a","items":[{"productId":"x","quantity":1,"quantity":2}]}',
        b'{"userId":"a","items":[{"productId":"x","quantity":1}],"metadata":{"k":"1","\\u006b":"2"}}',
    ],
)
def test_a_field_that_stands_twice_is_refused(content: bytes) -> None:
    problem = refusal(content)
    assert (problem.status, "more than once" in problem.detail) == (400, True)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("Expected `int`, got `str`", FieldProblem("", "Expected `int`, got `str`")),
        ("Expected `int` - at `$.a[3].b`", FieldProblem("/a/3/b", "Expected `int`")),
        ("Expected `str` - at `$.a[...]`", FieldProblem("/a", "Expected `str`")),
        ("Expected `str` - at `key` in `$.a`", FieldProblem("/a", "Expected `str`")),
        (
            "Object missing required field `b` - at `$.a`",
            FieldProblem("/a/b", "Object missing required field `b`"),
        ),
    ],
)
def test_msgspecs_words_become_a_pointer(message: str, told: FieldProblem) -> None:
    assert field_problem(message) == told


@pytest.mark.parametrize(
    ("changed", "pointer", "words"),
    [
        ({"userId": "a b"}, "/userId", "`str` of 1 to 64 characters out of A-Z a-z 0-9 . _ -, but not . or .."),
        (
            {"orderId": "status"},
            "/orderId",
            f"`str` of {IN_WORDS[NEW_ORDER_ID_PATTERN]}",
        ),
        ({"metadata": {"$ref": "x"}}, "/metadata", "a name of 1 to 40 characters, the first not $, none of them NUL"),
    ],
)
def test_a_pattern_is_told_in_words(changed: dict[str, Any], pointer: str, words: str) -> None:
    assert refusal(body(**changed)).errors == (FieldProblem(pointer, f"Expected {words}"),)


def asked(content: bytes, *headers: tuple[str, str]) -> web.Request:
    payload = StreamReader(BaseProtocol(asyncio.get_running_loop()), 2**16, loop=asyncio.get_running_loop())
    payload.feed_data(content)
    payload.feed_eof()
    told = CIMultiDict([("Content-Type", "application/json"), *headers])
    return make_mocked_request("POST", "/", told, payload=payload)


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "GZIP", "identity, gzip", "gzip,", "x"])
async def test_a_packed_body_is_refused(coding: str) -> None:
    request = asked(gzip.compress(body()), ("Content-Encoding", coding))
    for read in (read_body(request, OrderRequest), read_optional_body(request, CancelRequest)):
        with pytest.raises(Problem) as raised:
            await read
        assert (raised.value.status, raised.value.headers) == (415, {"Accept-Encoding": "identity"})
    with pytest.raises(Problem):
        await read_body(asked(body(), ("Content-Encoding", "identity"), ("Content-Encoding", coding)), OrderRequest)


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
async def test_a_body_that_says_it_is_not_packed_is_taken(coding: str) -> None:
    order = await read_body(asked(body(), ("Content-Encoding", coding)), OrderRequest)
    assert order.order_id == "123"


@pytest.mark.parametrize("text", ["1", "a.B-c_9", "x" * 64, "...", ".a", "status"])
def test_an_id(text: str) -> None:
    assert is_id(text)


@pytest.mark.parametrize("text", ["", "x" * 65, "a b", "a\n", "a/b", "é", "a\u0000", ".", ".."])
def test_no_id(text: str) -> None:
    assert not is_id(text)
