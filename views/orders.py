"""Orders: taken in, shown, and called back."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app import topics
from app.delivery import owner_of
from app.domain import saga
from app.domain.order import State
from app.main import app
from schemas.answers import order_answer, order_events_answer, order_status_answer
from schemas.commands import CancelOrder
from schemas.http import CancelRequest, OrderAnswer, OrderEventsAnswer, OrderRequest, OrderStatusAnswer
from schemas.rows import OrderRow
from views.bodies import answer, checked_id, read_body, read_optional_body
from views.held import missing
from views.idempotency import once
from views.order_list import list_orders
from views.order_reads import must_be_seen_by, order_row, read_order, rested
from views.owner import on_owner
from views.page import Page
from views.placing import place_order
from views.position import of_order
from views.preference import applied, wait_s
from views.problems import conflict
from views.projection import find_order, projected
from views.rows import tell
from views.trace import trace_of

CANCELLED: Final = {State.CANCELLED: 200, State.CALLING_OFF: 202, State.UNDOING: 202}
"""How a cancel is answered, by where the order then is; elsewhere it is too late."""


@app.page("/v1/orders", name="orders")
class Orders(Page):
    """All orders."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """List orders, the newest first."""
        return await list_orders(request)

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Take an order in."""
        return await place_order(request, await read_body(request, OrderRequest))


@app.page("/v1/orders/status/{order_id}", name="order-status")
class OrderStatus(Page):
    """Where an order is."""

    async def get(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Show its status and little else."""
        return await read_order(request, order_id, order_status_answer, OrderStatusAnswer, waits=True)


@app.page("/v1/orders/{order_id}", name="order")
class Order(Page):
    """One order."""

    async def get(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Show the order."""
        return await read_order(request, order_id, order_answer, OrderAnswer, waits=True)


@app.page("/v1/orders/{order_id}/events", name="order-events")
class OrderEvents(Page):
    """The history of an order."""

    async def get(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Show all that happened to it, oldest first."""

        def show(row: OrderRow) -> OrderEventsAnswer:
            return order_events_answer(row, topics.ORDERS, owner_of(app, topics.ORDERS, order_id.encode()).partition)

        return await read_order(request, order_id, show, OrderEventsAnswer, lambda document: document["events"])


@app.page("/v1/orders/{order_id}/cancel", name="order-cancel")
class OrderCancel(Page):
    """The way back of an order."""

    async def put(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Call the order back: what it holds is given back."""
        order_id = checked_id(order_id, "order")
        body = await read_optional_body(request, CancelRequest)
        wait = wait_s(request.headers)

        async def here(partition: int) -> web.Response:
            row, told = await order_row(order_id, partition), None
            if row is None:
                return await _cancel_finished(request, order_id, partition)
            must_be_seen_by(request, row.user_id)
            if saga.can_cancel(row.order):
                message = CancelOrder(order_id, reason=body.reason or None)
                told = await tell(topics.ORDERS, order_id, message, trace_of(request))
                row = await order_row(order_id, partition) or row
            row = await rested(row, wait)
            status = CANCELLED.get(row.order.state)
            if status is None:
                raise conflict(f"The order is {saga.STATUS[row.order.state]}: it can't be cancelled any more.")
            return answer(order_answer(row), status, {**applied(wait), **of_order(row, partition, told).headers})

        return await once(request, body, lambda: on_owner(request, topics.ORDERS, order_id, here))


async def _cancel_finished(request: web.Request, order_id: str, partition: int) -> web.Response:
    """What a cancel does to an order that has left the table: nothing, whatever it is."""
    found = await find_order(order_id, partition)
    if found is None:
        raise missing(topics.ORDERS, order_id, "order")
    must_be_seen_by(request, found.document["userId"])
    if found.document["status"] != State.CANCELLED:
        raise conflict(f"The order is {found.document['status']}: it can't be cancelled any more.")
    return projected(found, OrderAnswer)
