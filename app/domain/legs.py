"""The legs of an order: its lines, its payment, its shipment. How what they say is noted, and what it calls for."""

from __future__ import annotations

from collections.abc import Callable, Collection
from enum import StrEnum
from typing import Final, TypeAlias

from app.domain import money
from app.domain.order import PAYMENT, SHIPMENT, Order, Reason, State, Verb, line_leg
from app.domain.payment import PaymentOperation, PaymentStatus
from app.domain.shipment import ShipmentOperation, ShipmentStatus
from app.domain.signals import LineTold, PaymentTold, ShipmentTold
from app.domain.stock import LineStatus
from app.domain.value import Word, replace

Wants: TypeAlias = tuple[tuple[str, Verb], ...]
"""(leg, verb) pairs to ask for."""


class Trigger(Word):
    """What moves an order from one state to the next."""

    ALL_RESERVED = "ALL_RESERVED"
    LINE_REJECTED = "LINE_REJECTED"
    NOT_PAYABLE = "NOT_PAYABLE"
    PAY = "PAY"
    AUTHORIZED = "AUTHORIZED"
    DECLINED = "DECLINED"
    SHIP = "SHIP"
    BOOKED = "BOOKED"
    SHIPPING_REFUSED = "SHIPPING_REFUSED"
    CAPTURED = "CAPTURED"
    CAPTURE_FAILED = "CAPTURE_FAILED"
    ALL_COMMITTED = "ALL_COMMITTED"
    CANCEL = "CANCEL"
    DEADLINE = "DEADLINE"
    STALLED = "STALLED"
    CALLED_OFF = "CALLED_OFF"
    HAS_LEFT = "HAS_LEFT"
    UNDONE_REJECTED = "UNDONE_REJECTED"
    UNDONE_CANCELLED = "UNDONE_CANCELLED"
    NOT_UNDONE = "NOT_UNDONE"


_L, _P, _H, _T = LineStatus, PaymentStatus, ShipmentStatus, Trigger
_NEVER_RESERVED: Final = (_L.REJECTED, _L.RELEASED, _L.COMMITTED)
"""What an order that reserves gets nothing from. Settled lines are of an order that had its id, and is forgotten."""

ANSWERS: Final[dict[Verb, frozenset[StrEnum]]] = {
    Verb.RESERVE: frozenset({_L.RESERVED, *_NEVER_RESERVED}),
    Verb.RELEASE: frozenset({_L.RELEASED}),
    Verb.COMMIT: frozenset({_L.COMMITTED}),
    Verb.AUTHORIZE: frozenset({_P.AUTHORIZED, _P.DECLINED}),
    Verb.CAPTURE: frozenset({_P.CAPTURED, _P.CAPTURE_FAILED}),
    Verb.REVERSE: frozenset({_P.DECLINED, _P.VOIDED, _P.REFUNDED, _P.CLOSED, _P.VOID_FAILED, _P.REFUND_FAILED}),
    Verb.BOOK: frozenset({_H.BOOKED, _H.REFUSED}),
    Verb.CALL_OFF: frozenset({_H.CALLED_OFF, _H.REFUSED, _H.LEFT}),
}
"""A reply carries the leg's present status, and only a status that answers the current command clears it."""

SERVES: Final[dict[PaymentOperation | ShipmentOperation, tuple[str, Verb]]] = {
    PaymentOperation.AUTHORIZE: (PAYMENT, Verb.AUTHORIZE),
    PaymentOperation.CAPTURE: (PAYMENT, Verb.CAPTURE),
    PaymentOperation.VOID: (PAYMENT, Verb.REVERSE),
    PaymentOperation.REFUND: (PAYMENT, Verb.REVERSE),
    ShipmentOperation.BOOK: (SHIPMENT, Verb.BOOK),
    ShipmentOperation.CALL_OFF: (SHIPMENT, Verb.CALL_OFF),
}
"""Of each operation outside the leg, and the command of the order that it serves."""

_PAYMENT_CALLS_FOR: Final = {
    (State.AUTHORIZING, _P.AUTHORIZED): _T.AUTHORIZED,
    (State.AUTHORIZING, _P.DECLINED): _T.DECLINED,
    (State.CAPTURING, _P.CAPTURED): _T.CAPTURED,
    (State.CAPTURING, _P.CAPTURE_FAILED): _T.CAPTURE_FAILED,
}
_SHIPMENT_CALLS_FOR: Final = {
    (State.BOOKING, _H.BOOKED): _T.BOOKED,
    (State.BOOKING, _H.REFUSED): _T.SHIPPING_REFUSED,
    (State.CALLING_OFF, _H.LEFT): _T.HAS_LEFT,
    (State.CALLING_OFF, _H.NONE): _T.CALLED_OFF,
    (State.CALLING_OFF, _H.REFUSED): _T.CALLED_OFF,
    (State.CALLING_OFF, _H.CALLED_OFF): _T.CALLED_OFF,
}
_PAYMENT_ENDED: Final = frozenset({_P.NONE, *ANSWERS[Verb.REVERSE]})
_NOT_TAKEN_BACK: Final = frozenset({_P.VOID_FAILED, _P.REFUND_FAILED})
_RANK: Final[dict[StrEnum, int]] = {
    **{_L.ASKED: 1, _L.REJECTED: 2, _L.RESERVED: 3, _L.RELEASED: 9, _L.COMMITTED: 9},
    **{_P.NONE: 0, _P.ASKED: 1, _P.AUTHORIZED: 2, _P.CAPTURED: 3, _P.CAPTURE_FAILED: 3},
    **dict.fromkeys((_P.DECLINED, _P.VOIDED, _P.REFUNDED, _P.CLOSED, _P.VOID_FAILED, _P.REFUND_FAILED), 9),
    **{_H.NONE: 0, _H.ASKED: 1, _H.BOOKED: 2, _H.REFUSED: 9, _H.CALLED_OFF: 9, _H.LEFT: 9},
}
"""A leg only goes up: a late double of an earlier reply takes nothing back. 9 is its end."""


def due(order: Order) -> Trigger | None:
    """What the order as it stands calls for by itself."""
    look = _DUE.get(order.state)
    return None if look is None else look(order)


def _due_of_lines(order: Order) -> Trigger | None:
    if any(line.status in _NEVER_RESERVED for line in order.lines):
        return _T.LINE_REJECTED
    if any(line.status is _L.ASKED for line in order.lines):
        return None
    return _T.NOT_PAYABLE if money.currency_of(order.lines) is None else _T.ALL_RESERVED


def _undone(order: Order) -> Trigger:
    if order.payment.status in _NOT_TAKEN_BACK:
        return _T.NOT_UNDONE
    return _T.UNDONE_CANCELLED if order.outcome is State.CANCELLED else _T.UNDONE_REJECTED


def _due_of_payment(order: Order) -> Trigger | None:
    return None if order.waits_for(PAYMENT) else _PAYMENT_CALLS_FOR.get((order.state, order.payment.status))


def _due_of_shipment(order: Order) -> Trigger | None:
    return None if order.waits_for(SHIPMENT) else _SHIPMENT_CALLS_FOR.get((order.state, order.shipment.status))


_DUE: Final[dict[State, Callable[[Order], Trigger | None]]] = {
    State.RESERVING: _due_of_lines,
    State.AWAIT_PAY: lambda order: None if order.manual_payment else _T.PAY,
    State.AUTHORIZING: _due_of_payment,
    State.AWAIT_SHIP: lambda order: None if order.manual_shipping else _T.SHIP,
    State.BOOKING: _due_of_shipment,
    State.CAPTURING: _due_of_payment,
    State.COMMITTING: lambda order: None if order.unanswered else _T.ALL_COMMITTED,
    State.CALLING_OFF: _due_of_shipment,
    State.LEFT: lambda order: None if order.unanswered else _T.ALL_COMMITTED,
    State.UNDOING: lambda order: None if order.unanswered else _undone(order),
}
"""An order in any other state calls for nothing."""


def note(order: Order, told: LineTold | PaymentTold | ShipmentTold) -> tuple[Order, Wants, Wants]:
    """The order with what a leg said noted, commands to ask and track for it, and commands to send untracked."""
    if isinstance(told, LineTold):
        return _note_line(order, told)
    if isinstance(told, PaymentTold):
        order = _answered(order, PAYMENT, told.payment.status)
        further = _RANK[told.payment.status] > _RANK[order.payment.status]
        return (replace(order, payment=told.payment) if further else order), (), ()
    order = _answered(order, SHIPMENT, told.shipment.status)
    further = _RANK[told.shipment.status] > _RANK[order.shipment.status]
    return (replace(order, shipment=told.shipment) if further else order), (), ()


def _note_line(order: Order, told: LineTold) -> tuple[Order, Wants, Wants]:
    line = next((it for it in order.lines if it.product_id == told.product_id), None)
    leg = line_leg(told.product_id)
    release: Wants = ((leg, Verb.RELEASE),) if told.status is _L.RESERVED else ()
    if line is None:
        return order, (), release
    waiting = order.waits_for(leg)
    order = _answered(order, leg, told.status)
    if _RANK[told.status] <= _RANK[line.status]:
        closed = line.status in (_L.RELEASED, _L.COMMITTED)
        return order, (), release if closed and waiting is not Verb.COMMIT else ()
    late = line.status is _L.REJECTED  # a second copy of the reserve was granted after the first was rejected
    seen = replace(line, status=told.status)
    if told.status is _L.RESERVED:
        seen = replace(seen, unit_price_minor=told.unit_price_minor, currency=told.currency)
    order = replace(order, lines=tuple(seen if it is line else it for it in order.lines))
    if told.status in _NEVER_RESERVED and order.state is State.RESERVING:
        order = replace(order, reason=(told.shortage or Reason.OUT_OF_STOCK).value)
    return order, release if late else (), ()


def _answered(order: Order, leg: str, status: StrEnum) -> Order:
    verb = order.waits_for(leg)
    if verb is None or status not in ANSWERS[verb]:
        return order
    return replace(order, unanswered=tuple(it for it in order.unanswered if it.leg != leg))


def asked(order: Order, fresh: Collection[str]) -> Order:
    """The order with those legs marked as asked for that had never been."""
    if PAYMENT in fresh and order.payment.status is _P.NONE:
        order = replace(order, payment=replace(order.payment, status=_P.ASKED))
    if SHIPMENT in fresh and order.shipment.status is _H.NONE:
        order = replace(order, shipment=replace(order.shipment, status=_H.ASKED))
    return order


def reserve_lines(order: Order) -> Wants:
    """One reserve a line."""
    return tuple((line_leg(line.product_id), Verb.RESERVE) for line in order.lines)


def authorize(_order: Order) -> Wants:
    """The money is set aside."""
    return ((PAYMENT, Verb.AUTHORIZE),)


def book(_order: Order) -> Wants:
    """The carrier is asked to come."""
    return ((SHIPMENT, Verb.BOOK),)


def capture(_order: Order) -> Wants:
    """The money is taken."""
    return ((PAYMENT, Verb.CAPTURE),)


def commit_lines(order: Order) -> Wants:
    """One commit a line that is reserved."""
    held = (line for line in order.lines if line.status is _L.RESERVED)
    return tuple((line_leg(line.product_id), Verb.COMMIT) for line in held)


def call_off(order: Order) -> Wants:
    """The shipment is called off, where one was asked for and not refused."""
    on_its_way = order.shipment.status in (_H.ASKED, _H.BOOKED)
    return ((SHIPMENT, Verb.CALL_OFF),) if on_its_way else ()


def give_back(order: Order) -> Wants:
    """The money, where any was asked for and not given back; and the stock of every line asked for or reserved."""
    money_back: Wants = () if order.payment.status in _PAYMENT_ENDED else ((PAYMENT, Verb.REVERSE),)
    held = (line for line in order.lines if line.status in (_L.ASKED, _L.RESERVED))
    return money_back + tuple((line_leg(line.product_id), Verb.RELEASE) for line in held)
