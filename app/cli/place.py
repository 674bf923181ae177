"""`place`: post an order and follow it to its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
from faust.cli import option

from app.cli.api import after
from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.follow import WAITING, follow
from app.cli.order_body import Item, ItemType, OrderChoices, order_body, order_from_file
from app.cli.output import Column, Output
from app.cli.ranges import SECONDS
from app.main import app

GOOD_ENDS: Final = frozenset({"SHIPPED"}) | WAITING
MODES: Final = click.Choice(["auto", "manual"])

_FIELDS: Final = (
    *("orderId", "userId", "status", "reason", "version", "total", "currency", "paymentStatus", "shippingStatus"),
    *("trackingNumber", "createdAt", "updatedAt"),
)


@app.command(
    option("--file", "path", type=click.Path(path_type=Path, dir_okay=False), help="The order, as JSON."),
    option("--item", "items", type=ItemType(), multiple=True, help="A product; can be given several times."),
    option("--user", "user_id", help="Who orders.  [default: demo]"),
    option("--id", "order_id", help="The order's id; made when it is not given."),
    option("--payment-method", help="The token of the payment method, such as declined or slow."),
    option("--payment-mode", type=MODES, help="manual waits for POST /v1/payments."),
    option("--shipping-mode", type=MODES, help="manual waits for POST /v1/shipping."),
    option("--country", help="Where it goes; the simulated carrier does not go to XX."),
    option("--timeout", "timeout_s", type=SECONDS, default=30.0, help="Seconds to follow it for."),
    *CONNECTION,
    base=HttpCommand,
)
async def place(self: HttpCommand, path: Path | None, items: tuple[Item, ...], timeout_s: float, **said: Any) -> int:
    """Place an order, and follow it to its end.

    The exit code is 0 when it was shipped or waits for a person as it was told to, 1 when it ended otherwise or did
    not come to rest in time.
    """
    if (path is None) == (not items) or (path and any(said.values())):
        raise click.UsageError("Give the whole order with --file, or its products with --item PRODUCT:QUANTITY.")
    body = order_from_file(path) if path else order_body(OrderChoices(items=items, **said))
    async with self.api() as api:
        taken = (await api.insist("POST", "/v1/orders", after(timeout_s), body)).expect()
        order_id = str(taken["orderId"])
        self.out.line(f"Order {order_id}")
        order = await follow(api, order_id, timeout_s, lambda ms, status: self.out.line(f"{ms:6} ms  {status}"))
    show_order(self.out, order)
    return DONE if order["status"] in GOOD_ENDS else FAILED


def show_order(out: Output, order: dict[str, Any]) -> None:
    """Print an order of the contract."""
    if out.as_json:
        out.json(order)
        return
    items = ", ".join(f"{item['productId']} x{item['quantity']}" for item in order["items"])
    rows = [("items", items), *((field, order.get(field)) for field in _FIELDS)]
    out.table("", (Column(), Column()), [row for row in rows if row[1] is not None])
