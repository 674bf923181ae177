"""Orders as they are typed, or kept in a file."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
import pytest

from app.cli.order_body import Item, ItemType, OrderChoices, order_body, order_from_file
from schemas.http import OrderRequest


@pytest.mark.parametrize(
    ("typed", "item"), [("789", Item("789", 1)), ("789:2", Item("789", 2)), ("a.b-c:10000", Item("a.b-c", 10_000))]
)
def test_an_item_is_a_product_and_how_many(typed: str, item: Item) -> None:
    assert ItemType().convert(typed, None, None) == item


@pytest.mark.parametrize("typed", ["", ":2", "789:", "789:x", "789:-1", "789:1.5", "789:²"])
def test_what_is_no_item_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not PRODUCT or PRODUCT:QUANTITY"):
        ItemType().convert(typed, None, None)


@pytest.mark.parametrize("typed", ["789:0", "789:10001", "789:99999999999999999999", "789:" + "9" * 5000])
def test_no_order_has_so_many_pieces(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="an order has from 1 to 10000 pieces of a product"):
        ItemType().convert(typed, None, None)


def test_a_bare_order_says_only_what_was_said() -> None:
    body = order_body(OrderChoices(items=[Item("789", 2)], order_id="o-1"))
    assert body == {"orderId": "o-1", "userId": "demo", "items": [{"productId": "789", "quantity": 2}]}


def test_every_choice_has_its_place_in_the_contract() -> None:
    body = order_body(OrderChoices([Item("789", 2)], "ada", "o-1", "declined", "manual", "auto", "XX"))
    assert body["userId"] == "ada"
    assert body["payment"] == {"mode": "manual", "method": "declined"}
    assert body["shipping"] == {"mode": "auto", "address": {"country": "XX"}}
    msgspec.json.decode(msgspec.json.encode(body), type=OrderRequest)


def test_an_order_without_an_id_is_given_one_of_its_own() -> None:
    first, second = (order_body(OrderChoices(items=[Item("789", 1)]))["orderId"] for _ in range(2))
    assert first != second


def test_a_file_keeps_its_id_or_is_given_one(tmp_path: Path) -> None:
    path = tmp_path / "order.json"
    path.write_text('{"orderId": "o-1", "userId": "ada"}')
    assert order_from_file(path) == {"orderId": "o-1", "userId": "ada"}
    path.write_text('{"userId": "ada"}')
    assert order_from_file(path)["orderId"] != order_from_file(path)["orderId"]


@pytest.mark.parametrize(("content", "complaint"), [("{", "is not JSON"), ("[]", "holds no order"), (None, "be read")])
def test_a_file_without_an_order_is_refused(tmp_path: Path, content: str | None, complaint: str) -> None:
    path = tmp_path / "order.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(click.BadParameter, match=complaint):
        order_from_file(path)
