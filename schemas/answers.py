"""How rows are told to the public: the one place where a row becomes an answer's body."""

from __future__ import annotations

from typing import Final

from app.domain import saga
from app.domain.order import PaymentView, ShipmentView
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from schemas.http import (
    ItemAnswer,
    OrderAnswer,
    OrderEventAnswer,
    OrderEventsAnswer,
    OrderStatusAnswer,
    PaymentAnswer,
    PaymentState,
    ShipmentAnswer,
    ShipmentState,
    StockAnswer,
    moment,
)
from schemas.rows import OrderRow, PaymentRow, ShipmentRow, StockRow
from schemas.values import Mode

_P, _H = PaymentStatus, ShipmentStatus

PAYMENT_STATE: Final = {
    **dict.fromkeys((_P.NONE, _P.ASKED), PaymentState.PENDING),
    **dict.fromkeys((_P.AUTHORIZED, _P.CAPTURE_FAILED, _P.VOID_FAILED), PaymentState.AUTHORIZED),
    **dict.fromkeys((_P.CAPTURED, _P.REFUND_FAILED), PaymentState.CAPTURED),
    **dict.fromkeys((_P.VOIDED, _P.CLOSED), PaymentState.VOIDED),
    _P.DECLINED: PaymentState.DECLINED,
    _P.REFUNDED: PaymentState.REFUNDED,
}
SHIPMENT_STATE: Final = {
    **dict.fromkeys((_H.NONE, _H.ASKED), ShipmentState.PENDING),
    **dict.fromkeys((_H.BOOKED, _H.LEFT), ShipmentState.BOOKED),
    _H.REFUSED: ShipmentState.REFUSED,
    _H.CALLED_OFF: ShipmentState.CANCELLED,
}


def order_answer(row: OrderRow) -> OrderAnswer:
    """The whole order."""
    order = row.order
    priced = all(line.currency for line in order.lines)
    return OrderAnswer(
        order_id=row.order_id,
        user_id=row.user_id,
        status=saga.STATUS[order.state],
        reason=order.reason or None,
        version=order.version,
        items=tuple(
            ItemAnswer(line.product_id, line.quantity, line.unit_price_minor if line.currency else None)
            for line in order.lines
        ),
        total=order.total_minor if priced else None,
        currency=order.currency or None,
        payment_mode=Mode.MANUAL if order.manual_payment else Mode.AUTO,
        payment_status=PAYMENT_STATE[order.payment.status],
        shipping_mode=Mode.MANUAL if order.manual_shipping else Mode.AUTO,
        shipping_status=SHIPMENT_STATE[order.shipment.status],
        tracking_number=order.shipment.tracking_number or None,
        address=row.address,
        metadata=row.metadata or {},
        created_at=moment(order.placed_at_ms),
        updated_at=moment(order.updated_at_ms),
    )


def order_status_answer(row: OrderRow) -> OrderStatusAnswer:
    """The order's status, and little else."""
    order = row.order
    return OrderStatusAnswer(
        row.order_id, saga.STATUS[order.state], order.reason or None, order.version, moment(order.updated_at_ms)
    )


def order_events_answer(row: OrderRow, topic: str, partition: int) -> OrderEventsAnswer:
    """What happened to the order; `topic` and `partition` are those of its messages."""
    return OrderEventsAnswer(
        row.order_id,
        tuple(
            OrderEventAnswer(
                version=it.version,
                status=it.status,
                at=moment(it.at_ms),
                topic=topic,
                partition=partition,
                offset=it.offset,
                cause=it.cause or None,
                trace_id=it.trace_id or None,
            )
            for it in row.order.history
        ),
    )


def payment_of_order(row: OrderRow) -> PaymentAnswer:
    """The payment as its order knows it: all there is before it is asked for, and in the projection."""
    told: PaymentView = row.order.payment
    return PaymentAnswer(
        order_id=row.order_id,
        status=PAYMENT_STATE[told.status],
        amount=row.order.total_minor,
        currency=row.order.currency or None,
        gateway=told.gateway or None,
        gateway_reference=told.reference or None,
        attempts=told.attempts,
        reason=told.reason or None,
        updated_at=moment(row.order.updated_at_ms),
    )


def payment_answer(row: PaymentRow) -> PaymentAnswer:
    """The payment as it is."""
    return PaymentAnswer(
        order_id=row.payment.order_id,
        status=PAYMENT_STATE[row.payment.status],
        amount=row.amount_minor,
        currency=row.currency or None,
        gateway=row.payment.at,
        gateway_reference=row.reference or None,
        attempts=row.attempts,
        reason=row.reason or None,
        updated_at=moment(row.updated_at_ms),
    )


def shipment_of_order(row: OrderRow) -> ShipmentAnswer:
    """The shipment as its order knows it: all there is before it is asked for, and in the projection."""
    told: ShipmentView = row.order.shipment
    return ShipmentAnswer(
        order_id=row.order_id,
        status=SHIPMENT_STATE[told.status],
        carrier=told.carrier or None,
        tracking_number=told.tracking_number or None,
        updated_at=moment(row.order.updated_at_ms),
    )


def shipment_answer(row: ShipmentRow) -> ShipmentAnswer:
    """The shipment as it is."""
    return ShipmentAnswer(
        order_id=row.shipment.order_id,
        status=SHIPMENT_STATE[row.shipment.status],
        carrier=row.shipment.at,
        tracking_number=row.tracking_number or None,
        updated_at=moment(row.updated_at_ms),
    )


def stock_answer(row: StockRow) -> StockAnswer:
    """The product's stock."""
    return StockAnswer(
        product_id=row.product_id,
        name=row.name,
        on_hand=row.stock.on_hand,
        reserved=row.stock.reserved,
        available=row.stock.available,
        price=row.price_minor,
        currency=row.currency,
        version=row.version,
        updated_at=moment(row.updated_at_ms),
    )
