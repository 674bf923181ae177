"""The fingerprint of an order: the same for the same order however it was written, another for any other order."""

import json
from typing import Any

import pytest

from schemas.http import OrderRequest
from views.bodies import decode_body
from views.placing import fingerprint

ORDER: dict[str, Any] = {
    "orderId": "123",
    "userId": "456",
    "items": [{"productId": "a", "quantity": 1}, {"productId": "b", "quantity": 2}],
    "payment": {"mode": "auto", "method": "card"},
    "shipping": {"mode": "manual", "address": {"city": "Oslo", "street": "1"}},
    "metadata": {"k": "v", "l": "w"},
}


def of(order: dict[str, Any]) -> str:
    return fingerprint(decode_body(json.dumps(order).encode(), OrderRequest))


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in ORDER.items() if key != name}


def test_it_is_a_sha_256_in_hex() -> None:
    assert len(bytes.fromhex(of(ORDER))) == 32


@pytest.mark.parametrize(
    "same",
    [
        dict(reversed(ORDER.items())),
        ORDER | {"items": ORDER["items"][::-1]},
        ORDER | {"shipping": {"address": {"street": "1", "city": "Oslo"}, "mode": "manual"}},
        ORDER | {"metadata": {"l": "w", "k": "v"}},
        ORDER | {"payment": {"method": "card"}},
        ORDER | {"orderId": "another"},
    ],
)
def test_the_same_order_written_otherwise(same: dict[str, Any]) -> None:
    assert of(same) == of(ORDER)


def test_what_is_not_given_is_as_its_default() -> None:
    bare = {"userId": "456", "items": ORDER["items"]}
    assert of(bare) == of(bare | {"payment": {"mode": "auto"}, "shipping": {"mode": "auto"}, "metadata": {}})


@pytest.mark.parametrize(
    "other",
    [
        ORDER | {"userId": "457"},
        ORDER | {"items": ORDER["items"][:1]},
        ORDER | {"items": [{"productId": "a", "quantity": 2}, {"productId": "b", "quantity": 1}]},
        ORDER | {"payment": {"mode": "manual", "method": "card"}},
        ORDER | {"payment": {"mode": "auto", "method": "declined"}},
        ORDER | {"payment": {"mode": "auto"}},
        ORDER | {"shipping": {"mode": "auto", "address": {"city": "Oslo", "street": "1"}}},
        ORDER | {"shipping": {"mode": "manual", "address": {"city": "Oslo", "street": "2"}}},
        ORDER | {"shipping": {"mode": "manual", "address": {"city": "Oslo"}}},
        ORDER | {"metadata": {"k": "w", "l": "v"}},
        without("metadata"),
        without("shipping"),
    ],
)
def test_another_order(other: dict[str, Any]) -> None:
    assert of(other) != of(ORDER)
