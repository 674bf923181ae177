"""What an order tells its legs before it leaves its table: that it will ask nothing more of them."""

from __future__ import annotations

from app import topics
from app.delivery import Send
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from schemas.codec import encode
from schemas.commands import ForgetPayment, ForgetReservation, ForgetShipment
from schemas.rows import OrderRow


def farewell(row: OrderRow) -> list[Send]:
    """One message a leg that the order has spoken to."""
    order, order_id, key = row.order, row.order_id, row.order_id.encode()
    sends = [
        Send(topics.INVENTORY, line.product_id.encode(), encode(ForgetReservation(order_id, line.product_id)))
        for line in order.lines
    ]
    if order.payment.status is not PaymentStatus.NONE:
        sends.append(Send(topics.PAYMENTS, key, encode(ForgetPayment(order_id))))
    if order.shipment.status is not ShipmentStatus.NONE:
        sends.append(Send(topics.SHIPPING, key, encode(ForgetShipment(order_id))))
    return sends
