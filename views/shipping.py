"""Shipping: shown, and booked for an order that waits for it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.domain.order import State
from app.domain.shipment import ShipmentStatus
from app.main import app
from schemas.answers import shipment_answer, shipment_of_order
from schemas.commands import ShipOrder
from schemas.http import ShipmentAnswer, ShipmentState, ShipRequest
from schemas.rows import OrderRow, ShipmentRow
from tables import shipments
from views.bodies import read_body
from views.order_reads import read_order
from views.page import Page
from views.steps import Step, take


def show(row: OrderRow) -> ShipmentAnswer:
    """The shipment of an order of this worker; before it was asked for, as the order has it."""
    shipment: ShipmentRow | None = shipments.row(row.order_id)
    return shipment_of_order(row) if shipment is None else shipment_answer(shipment)


SHIPMENT: Final = Step(
    name="shipment",
    waits_in=State.AWAIT_SHIP,
    begun=lambda order: order.shipment.status is not ShipmentStatus.NONE,
    answers={
        State.BOOKING: 202,
        **dict.fromkeys((State.CAPTURING, State.COMMITTING, State.SHIPPED, State.LEFT), 200),
    },
    show=show,
    kind=ShipmentAnswer,
    part="shipment",
    done=frozenset({ShipmentState.BOOKED, ShipmentState.DELIVERED}),
)


@app.page("/v1/shipping", name="shipping")
class Shipping(Page):
    """All shipments."""

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Book the shipment of an order."""
        body = await read_body(request, ShipRequest)
        message = ShipOrder(body.order_id, address=body.address or None, carrier=body.carrier or None)
        return await take(SHIPMENT, request, body, message)


@app.page("/v1/shipping/{order_id}", name="shipment")
class Shipment(Page):
    """One order's shipment."""

    async def get(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Show it."""
        return await read_order(request, order_id, show, ShipmentAnswer, lambda document: document["shipment"])
