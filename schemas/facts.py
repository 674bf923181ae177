"""Public facts: what has happened, for whoever wants to know. Each is the whole order, or product, as it then was."""

from __future__ import annotations

from typing import ClassVar, Final

from app.domain.order import Change, Status
from schemas.rows import OrderRow, StockRow


class OrderFact(OrderRow, abstract=True):
    """An order has reached a new status. `change` says which version of it this fact is about."""

    status: ClassVar[Status]

    change: Change


class OrderCreated(OrderFact, namespace="order.created.v1"):
    """It is taken in, and its lines are being reserved."""

    status = Status.PENDING


class OrderAwaitingPayment(OrderFact, namespace="order.awaiting-payment.v1"):
    """All is reserved; somebody must pay."""

    status = Status.AWAITING_PAYMENT


class OrderReserved(OrderFact, namespace="order.reserved.v1"):
    """All is reserved, and the money is being set aside."""

    status = Status.RESERVED


class OrderAwaitingShipment(OrderFact, namespace="order.awaiting-shipment.v1"):
    """It is paid; somebody must have it shipped."""

    status = Status.AWAITING_SHIPMENT


class OrderPaid(OrderFact, namespace="order.paid.v1"):
    """It is paid, and the carrier is being asked."""

    status = Status.PAID


class OrderShipped(OrderFact, namespace="order.shipped.v1"):
    """The money is taken and the goods are gone."""

    status = Status.SHIPPED


class OrderCancelling(OrderFact, namespace="order.cancelling.v1"):
    """What it holds is being given back."""

    status = Status.CANCELLING


class OrderRejected(OrderFact, namespace="order.rejected.v1"):
    """It could not be filled; everything is given back."""

    status = Status.REJECTED


class OrderCancelled(OrderFact, namespace="order.cancelled.v1"):
    """It was called back; everything is given back."""

    status = Status.CANCELLED


class OrderNeedsAttention(OrderFact, namespace="order.needs-attention.v1"):
    """Something could not be undone; a person must look."""

    status = Status.NEEDS_ATTENTION


class StockChanged(StockRow, namespace="stock.changed.v1"):
    """A product's counters, price or name have changed."""


ORDER_FACTS: Final = {
    kind.status: kind
    for kind in (
        OrderCreated,
        OrderAwaitingPayment,
        OrderReserved,
        OrderAwaitingShipment,
        OrderPaid,
        OrderShipped,
        OrderCancelling,
        OrderRejected,
        OrderCancelled,
        OrderNeedsAttention,
    )
}
