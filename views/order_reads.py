"""Reading one order, in any of the forms it is told in: whole, its status, its history, its payment, its shipment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from app import topics
from app.domain import saga
from app.domain.order import State
from app.main import app
from app.wiring import read_model
from schemas.http import Answer
from schemas.rows import OrderRow
from tables import orders
from views.bodies import answer, checked_id
from views.owner import on_owner
from views.preference import applied, wait_s
from views.problems import not_found, unavailable
from views.rows import Document, current_row, projected, stored

WAITS_FOR_A_PERSON: Final = frozenset({State.AWAIT_PAY, State.AWAIT_SHIP})


async def order_row(order_id: str, partition: int) -> OrderRow | None:
    """The row of an order on its owner. Raises `Moved`, `TimeoutError`."""
    row: OrderRow | None = await current_row(topics.ORDERS, orders, partition, order_id)
    return row


async def rested(row: OrderRow, wait: int) -> OrderRow:
    """The order as it is once nothing more happens to it by itself, or after `wait` seconds. Raises `Moved`."""
    if not wait:
        return row
    return await app.participants[topics.ORDERS].changed(row.order_id, _rests, wait) or row


def _rests(row: OrderRow | None) -> bool:
    return row is None or saga.at_rest(row.order) or row.order.state in WAITS_FOR_A_PERSON


async def read_order(
    request: web.Request,
    order_id: str,
    show: Callable[[OrderRow], Answer],
    kind: type[Answer],
    part: Callable[[Document], Document] = lambda document: document,
    *,
    waits: bool = False,
) -> web.StreamResponse:
    """Answer with `show` of the order's row, or with the `part` of its document that is a `kind`.

    `waits`: heed `Prefer: wait`. Raises `Problem`: 404, 503.
    """
    order_id = checked_id(order_id, "order")
    wait = wait_s(request.headers) if waits else 0

    async def here(partition: int) -> web.Response:
        row = await order_row(order_id, partition)
        if row is not None:
            return answer(show(await rested(row, wait)), headers=applied(wait))
        document = await stored(read_model().order(order_id))  # it may be finished, and have left the table
        if document is None:
            raise not_found("order")
        return projected(part(document), kind)

    async def without_owner() -> web.Response:
        document = await stored(read_model().order(order_id))
        if document is None:
            raise unavailable("It can't be told now whether there is such an order.")
        return projected(part(document), kind)

    return await on_owner(request, topics.ORDERS, order_id, here, otherwise=without_owner)
