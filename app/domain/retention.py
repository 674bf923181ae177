"""Which rows may leave their tables, and when.

A finished order leaves after its time. What it held (reservations, payment, shipment) is told of it and stays a while
longer: a worker that was paused may still have a late copy of a command in its hands, which must find its leg ended
and not begin it anew. What no order will ever speak of again, a leg that a late copy made, goes by time alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.domain.order import Order, State
from app.domain.payment import Payment, PaymentStatus
from app.domain.shipment import Shipment, ShipmentStatus
from app.domain.stock import LineStatus, Reservation

FINISHED: Final = frozenset({State.SHIPPED, State.REJECTED, State.CANCELLED})
"""Not `NEEDS_ATTENTION`: that one waits for a person."""

_NOTHING_HELD: Final = frozenset(
    {PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED, PaymentStatus.CLOSED}
)
_NOBODY_COMES: Final = frozenset({ShipmentStatus.REFUSED, ShipmentStatus.CALLED_OFF})


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long rows stay, in milliseconds: a finished order; what it held, after the order itself; what belongs to no
    order; and a change of stock, after it was made."""

    order_ms: int
    leg_ms: int
    stray_ms: int
    adjustment_ms: int


def order_is_over(order: Order) -> bool:
    """Whether nothing more will ever be asked of the order, or by it."""
    return order.state in FINISHED and not order.unanswered


def order_leaves_at_ms(order: Order, keeping: Keeping) -> int | None:
    """When a finished order may leave its table."""
    return order.updated_at_ms + keeping.order_ms if order_is_over(order) else None


def payment_is_over(payment: Payment) -> bool:
    """Whether the payment has reached an end that a finished order can have."""
    return payment.pending is None and payment.status in {*_NOTHING_HELD, PaymentStatus.CAPTURED}


def shipment_is_over(shipment: Shipment) -> bool:
    """Whether the shipment has reached an end that a finished order can have."""
    return shipment.pending is None and shipment.status in {*_NOBODY_COMES, ShipmentStatus.BOOKED}


def reservation_is_over(reservation: Reservation) -> bool:
    """Whether the order holds none of the product any more."""
    return reservation.status in (LineStatus.RELEASED, LineStatus.COMMITTED)


def payment_leaves_at_ms(payment: Payment, changed_at_ms: int, finished_at_ms: int, keeping: Keeping) -> int | None:
    """When the payment may leave: `finished_at_ms` is when its order was said to be over, 0 before."""
    if finished_at_ms:
        return finished_at_ms + keeping.leg_ms if payment_is_over(payment) else None
    return _stray_leaves_at_ms(payment.pending is None and payment.status in _NOTHING_HELD, changed_at_ms, keeping)


def shipment_leaves_at_ms(shipment: Shipment, changed_at_ms: int, finished_at_ms: int, keeping: Keeping) -> int | None:
    """As `payment_leaves_at_ms`."""
    if finished_at_ms:
        return finished_at_ms + keeping.leg_ms if shipment_is_over(shipment) else None
    return _stray_leaves_at_ms(shipment.pending is None and shipment.status in _NOBODY_COMES, changed_at_ms, keeping)


def reservation_leaves_at_ms(
    reservation: Reservation, changed_at_ms: int, finished_at_ms: int, keeping: Keeping
) -> int | None:
    """As `payment_leaves_at_ms`. A commit needs its reservation, a release does not: only the latter may be a stray."""
    if finished_at_ms:
        return finished_at_ms + keeping.leg_ms if reservation_is_over(reservation) else None
    return _stray_leaves_at_ms(reservation.status is LineStatus.RELEASED, changed_at_ms, keeping)


def _stray_leaves_at_ms(gives_nothing_back: bool, changed_at_ms: int, keeping: Keeping) -> int | None:
    return changed_at_ms + keeping.stray_ms if gives_nothing_back else None
