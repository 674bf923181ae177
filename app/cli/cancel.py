"""`cancel ORDER_ID`: turn an order back."""

from __future__ import annotations

import click
from faust.cli import argument, option

from app.cli.api import after
from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.follow import order_at_rest, order_path
from app.cli.place import show_order
from app.main import app


@app.command(
    argument("order_id"),
    option("--reason", help="Kept with the order."),
    option("--timeout", "timeout_s", type=click.IntRange(0, 30), default=15, help="Seconds to wait for it."),
    *CONNECTION,
    base=HttpCommand,
)
async def cancel(self: HttpCommand, order_id: str, reason: str | None, timeout_s: int) -> int:
    """Cancel an order, and wait until it is undone.

    Stock comes back, money is voided or refunded, the shipment is called off. The exit code is 0 when it is cancelled,
    1 when it is past turning back or not undone in time.
    """
    async with self.api() as api:
        body = {"reason": reason} if reason else {}
        (await api.insist("PUT", order_path(order_id, "/cancel"), after(timeout_s), body)).expect()
        order = await order_at_rest(api, order_id, timeout_s)
    show_order(self.out, order)
    return DONE if order["status"] == "CANCELLED" else FAILED
