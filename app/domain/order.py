"""What an order knows of itself: its lines, payment and shipment as last told, and what it still waits for.

Everything here is immutable; `app.domain.saga` decides how one `Order` becomes the next.
"""

from __future__ import annotations

from typing import Final

from app.domain import money
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.stock import LineStatus
from app.domain.value import Value, Word

PAYMENT: Final = "payment"
SHIPMENT: Final = "shipment"


def line_leg(product_id: str) -> str:
    """The name of the leg that is the order's line of this product."""
    return f"line:{product_id}"


class State(Word):
    """Where an order stands. `saga.STATUS` says what the public is told of it."""

    RESERVING = "RESERVING"
    AWAIT_PAY = "AWAIT_PAY"
    AUTHORIZING = "AUTHORIZING"
    AWAIT_SHIP = "AWAIT_SHIP"
    BOOKING = "BOOKING"
    CAPTURING = "CAPTURING"
    COMMITTING = "COMMITTING"
    SHIPPED = "SHIPPED"
    CALLING_OFF = "CALLING_OFF"
    UNDOING = "UNDOING"
    LEFT = "LEFT"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class Status(Word):
    """What the public is told."""

    PENDING = "PENDING"
    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    RESERVED = "RESERVED"
    AWAITING_SHIPMENT = "AWAITING_SHIPMENT"
    PAID = "PAID"
    SHIPPED = "SHIPPED"
    CANCELLING = "CANCELLING"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"
    NEEDS_ATTENTION = "NEEDS_ATTENTION"


class Reason(Word):
    """Why an order was rejected."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"
    PAYMENT_DECLINED = "PAYMENT_DECLINED"
    SHIPPING_REFUSED = "SHIPPING_REFUSED"
    EXPIRED = "EXPIRED"


class Verb(Word):
    """What an order asks of a leg. Each leg has one unanswered command; the latest supersedes."""

    RESERVE = "RESERVE"
    RELEASE = "RELEASE"
    COMMIT = "COMMIT"
    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    REVERSE = "REVERSE"
    BOOK = "BOOK"
    CALL_OFF = "CALL_OFF"


class Line(Value, frozen=True):
    """One product of the order, and what the product last said of it. The price is known once it is reserved."""

    product_id: str
    quantity: int
    status: LineStatus = LineStatus.ASKED
    unit_price_minor: int = 0
    currency: str = ""


class PaymentView(Value, frozen=True):
    """What the payment last said of itself."""

    status: PaymentStatus = PaymentStatus.NONE
    gateway: str = ""
    reference: str = ""
    attempts: int = 0
    reason: str = ""


class ShipmentView(Value, frozen=True):
    """What the shipment last said of itself."""

    status: ShipmentStatus = ShipmentStatus.NONE
    carrier: str = ""
    tracking_number: str = ""
    reason: str = ""


class Unanswered(Value, frozen=True):
    """A command that waits for its answer, and the offset of the message that caused it."""

    leg: str
    verb: Verb
    offset: int


class Change(Value, frozen=True):
    """A public change: the offset that caused it, the version it made, the status from then on, and when.

    `cause` is the kind of the message that caused it, and `trace_id` the trace that this one belongs to, if any.
    """

    offset: int
    version: int
    status: Status
    at_ms: int = 0
    cause: str = ""
    trace_id: str = ""


class Order(Value, frozen=True):
    """One order. `applied` is the offset of the last message that changed it.

    `outcome` and `reason` are set when the way back begins: how it will end, and why.
    """

    state: State
    lines: tuple[Line, ...]
    applied: int
    fingerprint: str = ""
    manual_payment: bool = False
    manual_shipping: bool = False
    payment: PaymentView = PaymentView()
    shipment: ShipmentView = ShipmentView()
    outcome: State | None = None
    reason: str = ""
    unanswered: tuple[Unanswered, ...] = ()
    history: tuple[Change, ...] = ()

    @property
    def version(self) -> int:
        """The number of public changes so far; 0 before the first."""
        return self.history[-1].version if self.history else 0

    @property
    def placed_at_ms(self) -> int:
        """When it was taken in: the broker's time, in milliseconds since 1970."""
        return self.history[0].at_ms

    @property
    def updated_at_ms(self) -> int:
        """When it last changed in public: the broker's time, in milliseconds since 1970."""
        return self.history[-1].at_ms

    @property
    def total_minor(self) -> int:
        """What the lines whose price is known cost, in minor units of `currency`."""
        return money.total_minor(self.lines)

    @property
    def currency(self) -> str:
        """The one currency of the lines; empty when unknown, or when they differ."""
        return money.currency_of(self.lines) or ""

    def waits_for(self, leg: str) -> Verb | None:
        """The command of this leg that is not answered yet."""
        for waiting in self.unanswered:  # in a generator it takes twice as long, and it is asked all the time
            if waiting.leg == leg:
                return waiting.verb
        return None
