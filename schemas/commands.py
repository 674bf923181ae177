"""Commands: what one participant asks of another. Each names its order or product; the receiver's key is that name.

Messages of the `orders` topic can say what they mean to an order: `signal()`. What they add to the order's details, if
the order takes them up, is `amend()`.
"""

from __future__ import annotations

from typing import Any

from app.domain.order import Line
from app.domain.signals import Ask, Asked, DeadlinePassed, Placed
from schemas.record import Record
from schemas.values import (
    Address,
    Change,
    Count,
    Currency,
    CurrencyIfPriced,
    Identifier,
    Kept,
    Lines,
    Metadata,
    Mode,
    MomentMs,
    Pieces,
    PriceMinor,
    Quantity,
    Text,
    Token,
    TotalMinor,
)


class OrderMessage(Record, abstract=True):
    """Anything an order can be told; by itself it adds nothing to the order's details."""

    order_id: Identifier

    def amend(self) -> dict[str, Any]:
        """The details of the order that this message replaces, by the names they have in its row."""
        return {}


class PlaceOrder(OrderMessage, namespace="order.place.v1"):
    """Take this order in. `fingerprint` stands for its content: the same id with another content is refused."""

    user_id: Identifier
    items: Lines
    fingerprint: Text
    payment_mode: Mode = Mode.AUTO
    method: Token | None = None
    shipping_mode: Mode = Mode.AUTO
    address: Address | None = None
    metadata: Metadata | None = None

    def signal(self) -> Placed:
        """The order is placed."""
        return Placed(
            tuple(Line(product_id, quantity) for product_id, quantity in self.items),
            self.fingerprint,
            manual_payment=self.payment_mode == Mode.MANUAL,
            manual_shipping=self.shipping_mode == Mode.MANUAL,
        )


class PayOrder(OrderMessage, namespace="order.pay.v1"):
    """Pay an order that waits for it."""

    method: Token | None = None

    def signal(self) -> Asked:
        """A person pays."""
        return Asked(Ask.PAY)

    def amend(self) -> dict[str, Any]:
        """The method to pay with, where one was given."""
        return {"method": self.method} if self.method else {}


class ShipOrder(OrderMessage, namespace="order.ship.v1"):
    """Book the shipment of an order that waits for it."""

    address: Address | None = None
    carrier: Token | None = None

    def signal(self) -> Asked:
        """A person has it shipped."""
        return Asked(Ask.SHIP)

    def amend(self) -> dict[str, Any]:
        """Where to, and by whom, where that was given."""
        given = {"address": self.address, "carrier": self.carrier}
        return {name: value for name, value in given.items() if value}


class CancelOrder(OrderMessage, namespace="order.cancel.v1"):
    """Turn an order back, as long as it has not left."""

    reason: Text | None = None

    def signal(self) -> Asked:
        """A person cancels."""
        return Asked(Ask.CANCEL, self.reason or "")


class ReachDeadline(OrderMessage, namespace="order.deadline-reached.v1"):
    """The time of a state is over. Counts only while the order still has this version, and from `due_at_ms` on."""

    version: Count
    due_at_ms: MomentMs = 0

    def signal(self) -> DeadlinePassed:
        """The clock speaks."""
        return DeadlinePassed(self.version, self.due_at_ms)


class StockCommand(Record, abstract=True):
    """Something an order asks of a product."""

    order_id: Identifier
    product_id: Identifier


class ReserveStock(StockCommand, namespace="stock.reserve.v1"):
    """Hold these pieces for the order."""

    quantity: Quantity


class ReleaseStock(StockCommand, namespace="stock.release.v1"):
    """Give back what the order holds."""


class CommitStock(StockCommand, namespace="stock.commit.v1"):
    """The pieces the order holds leave the warehouse."""


class ForgetReservation(StockCommand, namespace="stock.forget.v1"):
    """The order is over, and will ask nothing more of this product."""


class SupplyCommand(Record, abstract=True):
    """A change of what lies in the warehouse; the same `idempotency_key` is applied once."""

    product_id: Identifier
    idempotency_key: Text
    price_minor: PriceMinor | None = None
    currency: Currency | None = None
    name: Text | None = None


class SetStock(SupplyCommand, namespace="stock.set.v1"):
    """Make on-hand this many pieces."""

    quantity: Pieces = 0


class AdjustStock(SupplyCommand, namespace="stock.adjust.v1"):
    """Add this many pieces to on-hand; negative takes away."""

    quantity: Change = 0


class AuthorizePayment(Record, namespace="payment.authorize.v1"):
    """Set this much money aside."""

    order_id: Identifier
    amount_minor: TotalMinor
    currency: CurrencyIfPriced
    method: Token | None = None


class CapturePayment(Record, namespace="payment.capture.v1"):
    """Take the money that was set aside."""

    order_id: Identifier


class ReversePayment(Record, namespace="payment.reverse.v1"):
    """Give the money back from wherever it is: void or refund, or never ask for it."""

    order_id: Identifier


class ForgetPayment(Record, namespace="payment.forget.v1"):
    """The order is over, and will ask nothing more of its payment."""

    order_id: Identifier


class BookShipment(Record, namespace="shipment.book.v1"):
    """Have the order's pieces collected and brought to the address."""

    order_id: Identifier
    items: Lines
    address: Kept | None = None
    carrier: Token | None = None


class CallOffShipment(Record, namespace="shipment.call-off.v1"):
    """Call the shipment off, if it has not left."""

    order_id: Identifier


class ForgetShipment(Record, namespace="shipment.forget.v1"):
    """The order is over, and will ask nothing more of its shipment."""

    order_id: Identifier
