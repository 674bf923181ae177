"""Rows of the tables, as they stand in the changelogs. Each holds what was decided on, and the details around it.

Times are milliseconds since 1970, by the broker's clock.
"""

from __future__ import annotations

from app.domain.order import Order
from app.domain.payment import Payment
from app.domain.shipment import Shipment
from app.domain.stock import NEVER, Adjustment, Reservation, Stock
from schemas.record import Record
from schemas.values import Kept


class OrderRow(Record, namespace="order.row.v1"):
    """One order, in `tables.orders`."""

    order_id: str
    user_id: str
    order: Order
    method: str | None = None
    address: Kept | None = None
    carrier: str | None = None
    metadata: Kept | None = None


class StockRow(Record, namespace="stock.row.v1"):
    """The counters of one product, in `tables.inventory`. `version` counts its changes."""

    product_id: str
    name: str
    price_minor: int
    currency: str
    stock: Stock
    version: int
    updated_at_ms: int


class ReservationRow(Record, namespace="reservation.row.v1"):
    """What one order holds of one product, at the price it was promised, in `tables.inventory`.

    `finished_at` is the offset of the message that told of the order's end.
    """

    order_id: str
    product_id: str
    unit_price_minor: int
    currency: str
    reservation: Reservation
    changed_at_ms: int = 0
    finished_at: int = NEVER

    @property
    def finished_at_ms(self) -> int:
        """When the order was said to be over; 0 before."""
        return self.changed_at_ms if self.finished_at != NEVER else 0


class AdjustmentRow(Record, namespace="adjustment.row.v1"):
    """A change of stock that was asked for, by its Idempotency-Key, in `tables.inventory`."""

    product_id: str
    idempotency_key: str
    adjustment: Adjustment
    changed_at_ms: int = 0


class PaymentRow(Record, namespace="payment.row.v1"):
    """One order's payment, in `tables.payments`.

    `opened_at` is the offset of the message that made the row, `finished_at_ms` when its order was said to be over,
    `trace` the `traceparent` of the last message that changed it, so that calls belong to their order's trace.
    """

    payment: Payment
    amount_minor: int
    currency: str
    updated_at_ms: int
    method: str | None = None
    reference: str = ""
    attempts: int = 0
    reason: str = ""
    opened_at: int = 0
    finished_at_ms: int = 0
    trace: str = ""


class ShipmentRow(Record, namespace="shipment.row.v1"):
    """One order's shipment, in `tables.shipments`. `opened_at`, `finished_at_ms` and `trace` are as in `PaymentRow`."""

    shipment: Shipment
    items: tuple[tuple[str, int], ...]
    updated_at_ms: int
    address: Kept | None = None
    tracking_number: str = ""
    reason: str = ""
    opened_at: int = 0
    finished_at_ms: int = 0
    trace: str = ""


def stock_key(product_id: str) -> str:
    """The key of a product's counters."""
    return product_id


def reservation_key(product_id: str, order_id: str) -> str:
    """The key of what one order holds of a product."""
    return f"{product_id}/order/{order_id}"


def adjustment_key(product_id: str, idempotency_key: str) -> str:
    """The key of a change of stock that was asked for."""
    return f"{product_id}/adjustment/{idempotency_key}"
