"""Payments: shown, and made for an order that waits for it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from app.domain.order import State
from app.domain.payment import PaymentStatus
from app.main import app
from schemas.answers import payment_answer, payment_of_order
from schemas.commands import PayOrder
from schemas.http import PaymentAnswer, PaymentState, PayRequest
from schemas.rows import OrderRow, PaymentRow
from tables import payments
from views.bodies import read_body
from views.order_reads import read_order
from views.page import Page
from views.steps import Step, take


def show(row: OrderRow) -> PaymentAnswer:
    """The payment of an order of this worker; before it was asked for, as the order has it."""
    payment: PaymentRow | None = payments.row(row.order_id)
    return payment_of_order(row) if payment is None else payment_answer(payment)


PAYMENT: Final = Step(
    name="payment",
    waits_in=State.AWAIT_PAY,
    begun=lambda order: order.payment.status is not PaymentStatus.NONE,
    answers={
        State.AUTHORIZING: 202,
        **dict.fromkeys((State.AWAIT_SHIP, State.BOOKING, State.CAPTURING, State.COMMITTING, State.SHIPPED), 200),
    },
    show=show,
    kind=PaymentAnswer,
    part="payment",
    done=frozenset({PaymentState.AUTHORIZED, PaymentState.CAPTURED}),
)


@app.page("/v1/payments", name="payments")
class Payments(Page):
    """All payments."""

    async def post(self, request: web.Request) -> web.StreamResponse:
        """Pay an order."""
        body = await read_body(request, PayRequest)
        return await take(PAYMENT, request, body, PayOrder(body.order_id, method=body.method or None))


@app.page("/v1/payments/{order_id}", name="payment")
class Payment(Page):
    """One order's payment."""

    async def get(self, request: web.Request, order_id: str) -> web.StreamResponse:
        """Show it."""
        return await read_order(request, order_id, show, PaymentAnswer, lambda document: document["payment"])
