"""`stock set|adjust PRODUCT QUANTITY`: put goods into the warehouse, or take them out."""

from __future__ import annotations

import uuid
from typing import Any, Final

import click
from faust.cli import argument, option

from app.cli.api import after
from app.cli.command import CONNECTION, DONE, HttpCommand
from app.cli.output import Column, Output
from app.domain.money import MAX_UNIT_PRICE_MINOR
from app.main import app
from schemas.values import MAX_PIECES

_INSIST_S: Final = 15.0

COLUMNS: Final = (
    Column("product"),
    Column("name"),
    Column("on hand", number=True),
    Column("reserved", number=True),
    Column("available", number=True),
    Column("price (minor)", number=True),
    Column("currency"),
    Column("version", number=True),
)


@app.command(
    argument("mode", type=click.Choice(["set", "adjust"])),
    argument("product_id", metavar="PRODUCT"),
    argument("quantity", type=click.IntRange(-MAX_PIECES, MAX_PIECES)),
    option(
        "--price",
        type=click.IntRange(0, MAX_UNIT_PRICE_MINOR),
        help="Of one piece, in minor units: 1999 with USD is 19.99.",
    ),
    option("--currency", help="ISO 4217 code of the price."),
    option("--name", help="What the product is called."),
    *CONNECTION,
    base=HttpCommand,
)
async def stock(
    self: HttpCommand,
    mode: str,
    product_id: str,
    quantity: int,
    price: int | None,
    currency: str | None,
    name: str | None,
) -> int:
    """Set or adjust the stock of a product.

    set makes what lies in the warehouse QUANTITY, adjust adds it, and it may then be negative.
    A product that is new is made. Less than live orders hold is refused.
    """
    given = {"price": price, "currency": currency, "name": name}
    body: dict[str, Any] = {"productId": product_id, "quantity": quantity, "mode": mode}
    body.update({field: value for field, value in given.items() if value is not None})
    async with self.api() as api:
        reply = await api.insist(
            "PUT", "/v1/inventory/update", after(_INSIST_S), body, {"Idempotency-Key": uuid.uuid4().hex}
        )
    show_stock(self.out, "Stock", [reply.expect()], as_one=True)
    return DONE


# Otherwise click takes the -5 of `stock adjust 789 -5` for an option.
stock._click.context_settings["ignore_unknown_options"] = True


def show_stock(out: Output, title: str, answers: list[dict[str, Any]], as_one: bool = False) -> None:
    """Print answers of the contract's inventory calls; as JSON a list, or the only one."""
    if out.as_json:
        out.json(answers[0] if as_one else answers)
        return
    fields = ("productId", "name", "onHand", "reserved", "available", "price", "currency", "version")
    out.table(title, COLUMNS, [[answer[field] for field in fields] for answer in answers])
