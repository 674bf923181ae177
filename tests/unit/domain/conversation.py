"""A conversation with the saga, for tests that read as one: what is said, in order, and where the order then stands.

Every order here has two lines, tea and cup, unless a test says otherwise. Offsets count from 0: the first message
places the order.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain import saga
from app.domain.order import PAYMENT, SHIPMENT, Line, Order, PaymentView, Reason, ShipmentView, State, Verb
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.signals import (
    Ask,
    Asked,
    DeadlinePassed,
    LegStalled,
    LineTold,
    PaymentTold,
    Placed,
    ShipmentTold,
    Signal,
)
from app.domain.stock import LineStatus

TEA, CUP = Line("tea", 2), Line("cup", 1)
PLACED = Placed((TEA, CUP), "as ordered")
PLACED_MANUAL = Placed((TEA, CUP), "as ordered", manual_payment=True, manual_shipping=True)
PAY, SHIP, CANCEL = Asked(Ask.PAY), Asked(Ask.SHIP), Asked(Ask.CANCEL, "no longer needed")


def reserved(product_id: str, currency: str = "EUR") -> LineTold:
    return LineTold(product_id, LineStatus.RESERVED, unit_price_minor=250, currency=currency)


def rejected(product_id: str, shortage: Reason = Reason.OUT_OF_STOCK) -> LineTold:
    return LineTold(product_id, LineStatus.REJECTED, shortage=shortage)


def released(product_id: str) -> LineTold:
    return LineTold(product_id, LineStatus.RELEASED)


def committed(product_id: str) -> LineTold:
    return LineTold(product_id, LineStatus.COMMITTED)


def payment(status: PaymentStatus) -> PaymentTold:
    return PaymentTold(PaymentView(status, gateway="simulated", attempts=1))


def shipment(status: ShipmentStatus) -> ShipmentTold:
    return ShipmentTold(ShipmentView(status, carrier="simulated"))


AUTHORIZED, DECLINED = payment(PaymentStatus.AUTHORIZED), payment(PaymentStatus.DECLINED)
CAPTURED, CAPTURE_FAILED = payment(PaymentStatus.CAPTURED), payment(PaymentStatus.CAPTURE_FAILED)
VOIDED, VOID_FAILED = payment(PaymentStatus.VOIDED), payment(PaymentStatus.VOID_FAILED)
REFUNDED, REFUND_FAILED = payment(PaymentStatus.REFUNDED), payment(PaymentStatus.REFUND_FAILED)
CLOSED = payment(PaymentStatus.CLOSED)
BOOKED, REFUSED = shipment(ShipmentStatus.BOOKED), shipment(ShipmentStatus.REFUSED)
CALLED_OFF, LEFT = shipment(ShipmentStatus.CALLED_OFF), shipment(ShipmentStatus.LEFT)
AUTHORIZE_STALLED, CAPTURE_STALLED = LegStalled(PAYMENT, Verb.AUTHORIZE), LegStalled(PAYMENT, Verb.CAPTURE)
REVERSE_STALLED, BOOK_STALLED = LegStalled(PAYMENT, Verb.REVERSE), LegStalled(SHIPMENT, Verb.BOOK)
BOTH_RESERVED = (reserved("tea"), reserved("cup"))
BOTH_RELEASED = (released("tea"), released("cup"))
BOTH_COMMITTED = (committed("tea"), committed("cup"))

WAYS: dict[State, tuple[Signal, ...]] = {
    State.RESERVING: (PLACED,),
    State.AWAIT_PAY: (PLACED_MANUAL, *BOTH_RESERVED),
    State.AUTHORIZING: (PLACED, *BOTH_RESERVED),
    State.AWAIT_SHIP: (PLACED_MANUAL, *BOTH_RESERVED, PAY, AUTHORIZED),
    State.BOOKING: (PLACED, *BOTH_RESERVED, AUTHORIZED),
    State.CAPTURING: (PLACED, *BOTH_RESERVED, AUTHORIZED, BOOKED),
    State.COMMITTING: (PLACED, *BOTH_RESERVED, AUTHORIZED, BOOKED, CAPTURED),
    State.SHIPPED: (PLACED, *BOTH_RESERVED, AUTHORIZED, BOOKED, CAPTURED, *BOTH_COMMITTED),
    State.CALLING_OFF: (PLACED, *BOTH_RESERVED, AUTHORIZED, CANCEL),
    State.UNDOING: (PLACED, *BOTH_RESERVED, CANCEL),
    State.LEFT: (PLACED, *BOTH_RESERVED, AUTHORIZED, BOOKED, CANCEL, LEFT, CAPTURED),
    State.REJECTED: (PLACED, reserved("tea"), rejected("cup"), released("tea")),
    State.CANCELLED: (PLACED, CANCEL, *BOTH_RELEASED),
    State.NEEDS_ATTENTION: (PLACED, *BOTH_RESERVED, AUTHORIZED, CANCEL, CALLED_OFF, VOID_FAILED, *BOTH_RELEASED),
}
"""One way to each state."""


@dataclass(frozen=True)
class Said:
    """The order after a message, and what the message made it say."""

    order: Order
    decision: saga.Decision

    @property
    def commands(self) -> list[str]:
        """As `tea RELEASE` or `payment REVERSE`."""
        return spoken(self.decision)


def spoken(decision: saga.Decision) -> list[str]:
    return [f"{it.leg.removeprefix('line:')} {it.verb}" for it in decision.commands]


def waiting(order: Order) -> list[str]:
    return [f"{it.leg.removeprefix('line:')} {it.verb}" for it in order.unanswered]


def tell(order: Order | None, signal: Signal, offset: int | None = None) -> Said:
    """The next message to an order, at the next offset unless one is given."""
    at = offset if offset is not None else order.applied + 1 if order else 0
    decision = saga.decide(order, signal, at)
    assert not decision.refusal, decision.refusal
    after = decision.order or order
    assert after is not None
    return Said(after, decision)


def hear(*signals: Signal) -> Said:
    """The last of several messages to one order."""
    order: Order | None = None
    for offset, signal in enumerate(signals):
        said = tell(order, signal, offset)
        order = said.order
    return said


def standing_in(state: State) -> Order:
    """An order in that state."""
    order = hear(*WAYS[state]).order
    assert order.state is state
    return order


def expired(order: Order) -> DeadlinePassed:
    return DeadlinePassed(order.version)
