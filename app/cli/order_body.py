"""The body of an order, made from what a person typed or from a file."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import click
import orjson

from schemas.values import MAX_QUANTITY

DEMO_USER: Final = "demo"
_DIGITS: Final = 9
"""More are no quantity, and Python takes none of thousands."""


class Item(NamedTuple):
    """Pieces of one product."""

    product_id: str
    quantity: int


class ItemType(click.ParamType):
    """`PRODUCT` or `PRODUCT:QUANTITY`."""

    name = "PRODUCT[:QUANTITY]"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Item:
        """The item that was typed; `BadParameter` when it is none."""
        if isinstance(value, Item):
            return value
        product_id, colon, quantity = str(value).partition(":")
        if not product_id or (colon and not (quantity.isascii() and quantity.isdigit())):
            self.fail(f"{value!r} is not PRODUCT or PRODUCT:QUANTITY, such as 789:2", param, ctx)
        pieces = int(quantity[:_DIGITS]) if colon else 1
        if len(quantity) > _DIGITS or not 1 <= pieces <= MAX_QUANTITY:
            self.fail(f"an order has from 1 to {MAX_QUANTITY} pieces of a product", param, ctx)
        return Item(product_id, pieces)


@dataclass(frozen=True, slots=True)
class OrderChoices:
    """What an order's options say; None where nothing was said. `country` is put into the address."""

    items: Sequence[Item]
    user_id: str | None = None
    order_id: str | None = None
    payment_method: str | None = None
    payment_mode: str | None = None
    shipping_mode: str | None = None
    country: str | None = None


def new_order_id() -> str:
    """An id that no other order has."""
    return uuid.uuid4().hex


def order_body(choices: OrderChoices) -> dict[str, Any]:
    """The body of `POST /v1/orders`. It always has an id, so that a call whose answer was lost can be repeated."""
    payment = _said(mode=choices.payment_mode, method=choices.payment_method)
    address = _said(country=choices.country)
    shipping = _said(mode=choices.shipping_mode, address=address or None)
    return {
        "orderId": choices.order_id or new_order_id(),
        "userId": choices.user_id or DEMO_USER,
        "items": [{"productId": item.product_id, "quantity": item.quantity} for item in choices.items],
        **_said(payment=payment or None, shipping=shipping or None),
    }


def order_from_file(path: Path) -> dict[str, Any]:
    """The order in a JSON file, with an id when it lacks one. Raises `click.BadParameter` when there is none."""
    try:
        body = orjson.loads(path.read_bytes())
    except OSError as error:
        raise click.BadParameter(f"{path} can't be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise click.BadParameter(f"{path} is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise click.BadParameter(f"{path} holds no order, which is a JSON object")
    return {"orderId": new_order_id(), **body}


def _said(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
