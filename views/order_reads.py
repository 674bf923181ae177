"""Reading one order, in any of the forms it is told in: whole, its status, its history, its payment, its shipment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from aiohttp import web

from app import topics
from app.domain import saga
from app.domain.order import State
from app.main import app
from schemas.http import Answer
from schemas.rows import OrderRow
from tables import orders
from views.admission import caller_of, roles_of_call
from views.bodies import answer, checked_id
from views.held import is_held
from views.position import of_order
from views.preference import applied, wait_s
from views.problems import not_found
from views.projection import Found, Part, find_order, whole
from views.reads import Source, read_one
from views.rows import current_row

WAITS_FOR_A_PERSON: Final = frozenset({State.AWAIT_PAY, State.AWAIT_SHIP})


async def order_row(order_id: str, partition: int) -> OrderRow | None:
    """The row of an order on its owner. Raises `Moved`, `TimeoutError`."""
    row: OrderRow | None = await current_row(topics.ORDERS, orders, partition, order_id)
    return row


async def rested(row: OrderRow, wait: int) -> OrderRow:
    """The order as it is once nothing more happens to it by itself, or after `wait` seconds. Raises `Moved`."""
    if not wait or is_held(topics.ORDERS, row.order_id):
        return row
    return await app.participants[topics.ORDERS].changed(row.order_id, _rests, wait) or row


def must_be_seen_by(request: web.Request, user_id: str) -> None:
    """Raises `Problem` (404) when orders of this user are not there for the caller."""
    if not caller_of(request).may_see(user_id, roles_of_call(request)):
        raise not_found("order")


def _rests(row: OrderRow | None) -> bool:
    return row is None or saga.at_rest(row.order) or row.order.state in WAITS_FOR_A_PERSON


async def read_order(
    request: web.Request,
    order_id: str,
    show: Callable[[OrderRow], Answer],
    kind: type[Answer],
    part: Part = whole,
    *,
    waits: bool = False,
) -> web.StreamResponse:
    """Answer with `show` of the order's row, or with the `part` of its document that is a `kind`.

    `waits`: heed `Prefer: wait`. Raises `Problem`: 400, 404, 422, 503.
    """
    order_id = checked_id(order_id, "order")
    wait = wait_s(request.headers) if waits else 0

    async def find(order_id: str, partition: int) -> Found | None:
        found = await find_order(order_id, partition)
        if found is not None:
            must_be_seen_by(request, found.document["userId"])
        return found

    async def shown(row: OrderRow, partition: int) -> web.Response:
        must_be_seen_by(request, row.user_id)
        row = await rested(row, wait)
        return answer(show(row), headers={**applied(wait), **of_order(row, partition).headers})

    return await read_one(request, Source("order", topics.ORDERS, orders, find, kind, part), order_id, shown)
