"""Replies: what a participant tells an order. Each is the *present* status of the leg, never just an acknowledgement.

`STOCK_REPLIES`, `PAYMENT_REPLIES` and `SHIPMENT_REPLIES` find the record of a status.
"""

from __future__ import annotations

from typing import ClassVar, Final

from app.domain.order import PaymentView, Reason, ShipmentView, Verb
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.signals import LegStalled, LineTold, PaymentTold, ShipmentTold
from app.domain.stock import LineStatus
from schemas.commands import OrderMessage
from schemas.values import Count, CurrencyIfPriced, Identifier, PriceMinor, Words


class StockReply(OrderMessage, abstract=True):
    """What a product tells an order of its line."""

    status: ClassVar[LineStatus]

    product_id: Identifier
    unit_price_minor: PriceMinor = 0
    currency: CurrencyIfPriced = ""
    shortage: Reason | None = None

    def signal(self) -> LineTold:
        """The present status of the line."""
        return LineTold(self.product_id, self.status, self.unit_price_minor, self.currency, self.shortage)


class StockReserved(StockReply, namespace="stock.reserved.v1"):
    """The pieces are held, at this price."""

    status = LineStatus.RESERVED


class StockRejected(StockReply, namespace="stock.rejected.v1"):
    """The pieces are not held, for this shortage."""

    status = LineStatus.REJECTED


class StockReleased(StockReply, namespace="stock.released.v1"):
    """Nothing is held, and nothing will be."""

    status = LineStatus.RELEASED


class StockCommitted(StockReply, namespace="stock.committed.v1"):
    """The pieces have left the warehouse."""

    status = LineStatus.COMMITTED


class PaymentReply(OrderMessage, abstract=True):
    """What the payment tells its order."""

    status: ClassVar[PaymentStatus]

    gateway: Words = ""
    reference: Words = ""
    attempts: Count = 0
    reason: Words = ""

    def signal(self) -> PaymentTold:
        """The present state of the payment."""
        return PaymentTold(PaymentView(self.status, self.gateway, self.reference, self.attempts, self.reason))


class PaymentAuthorized(PaymentReply, namespace="payment.authorized.v1"):
    """The money is set aside."""

    status = PaymentStatus.AUTHORIZED


class PaymentDeclined(PaymentReply, namespace="payment.declined.v1"):
    """The gateway said no."""

    status = PaymentStatus.DECLINED


class PaymentCaptured(PaymentReply, namespace="payment.captured.v1"):
    """The money is taken."""

    status = PaymentStatus.CAPTURED


class PaymentCaptureFailed(PaymentReply, namespace="payment.capture-failed.v1"):
    """The money that was set aside can't be taken."""

    status = PaymentStatus.CAPTURE_FAILED


class PaymentVoided(PaymentReply, namespace="payment.voided.v1"):
    """The money is no longer set aside."""

    status = PaymentStatus.VOIDED


class PaymentRefunded(PaymentReply, namespace="payment.refunded.v1"):
    """The money that was taken is given back."""

    status = PaymentStatus.REFUNDED


class PaymentVoidFailed(PaymentReply, namespace="payment.void-failed.v1"):
    """The money stays set aside, whatever we try."""

    status = PaymentStatus.VOID_FAILED


class PaymentRefundFailed(PaymentReply, namespace="payment.refund-failed.v1"):
    """The money stays taken, whatever we try."""

    status = PaymentStatus.REFUND_FAILED


class PaymentClosed(PaymentReply, namespace="payment.closed.v1"):
    """No money was asked for, and none will be."""

    status = PaymentStatus.CLOSED


class ShipmentReply(OrderMessage, abstract=True):
    """What the shipment tells its order."""

    status: ClassVar[ShipmentStatus]

    carrier: Words = ""
    tracking_number: Words = ""
    reason: Words = ""

    def signal(self) -> ShipmentTold:
        """The present state of the shipment."""
        return ShipmentTold(ShipmentView(self.status, self.carrier, self.tracking_number, self.reason))


class ShipmentBooked(ShipmentReply, namespace="shipment.booked.v1"):
    """The carrier will come."""

    status = ShipmentStatus.BOOKED


class ShipmentRefused(ShipmentReply, namespace="shipment.refused.v1"):
    """The carrier won't."""

    status = ShipmentStatus.REFUSED


class ShipmentCalledOff(ShipmentReply, namespace="shipment.called-off.v1"):
    """Nothing will be collected."""

    status = ShipmentStatus.CALLED_OFF


class ShipmentLeft(ShipmentReply, namespace="shipment.left.v1"):
    """It was to be called off, but has left."""

    status = ShipmentStatus.LEFT


class CallStalled(OrderMessage, namespace="call.stalled.v1"):
    """So many attempts, and the gateway or carrier gave no definite answer to what `verb` wants of this leg."""

    leg: Words
    verb: Verb
    attempts: Count

    def signal(self) -> LegStalled:
        """The leg is stalled."""
        return LegStalled(self.leg, self.verb)


STOCK_REPLIES: Final = {kind.status: kind for kind in (StockReserved, StockRejected, StockReleased, StockCommitted)}
PAYMENT_REPLIES: Final = {
    kind.status: kind
    for kind in (
        PaymentAuthorized,
        PaymentDeclined,
        PaymentCaptured,
        PaymentCaptureFailed,
        PaymentVoided,
        PaymentRefunded,
        PaymentVoidFailed,
        PaymentRefundFailed,
        PaymentClosed,
    )
}
SHIPMENT_REPLIES: Final = {
    kind.status: kind for kind in (ShipmentBooked, ShipmentRefused, ShipmentCalledOff, ShipmentLeft)
}
