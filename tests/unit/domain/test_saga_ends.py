"""The ends of an order and the ways to them: what turns it back, until when, and what the public is told."""

from __future__ import annotations

import pytest

from app.domain import saga
from app.domain.order import Reason, State, Status
from app.domain.signals import DeadlinePassed, Signal
from tests.unit.domain.conversation import (
    AUTHORIZE_STALLED,
    AUTHORIZED,
    BOOK_STALLED,
    BOOKED,
    BOTH_COMMITTED,
    BOTH_RELEASED,
    BOTH_RESERVED,
    CALLED_OFF,
    CANCEL,
    CAPTURE_FAILED,
    CAPTURE_STALLED,
    CAPTURED,
    CLOSED,
    DECLINED,
    LEFT,
    PLACED,
    REFUND_FAILED,
    REFUNDED,
    REFUSED,
    REVERSE_STALLED,
    VOID_FAILED,
    VOIDED,
    expired,
    hear,
    rejected,
    released,
    reserved,
    standing_in,
    tell,
)

S = State
PAID = (PLACED, *BOTH_RESERVED, AUTHORIZED)

ENDS: dict[str, tuple[tuple[Signal, ...], State, str]] = {
    "shipped": ((*PAID, BOOKED, CAPTURED, *BOTH_COMMITTED), S.SHIPPED, ""),
    "out of stock": ((PLACED, reserved("tea"), rejected("cup"), released("tea")), S.REJECTED, "OUT_OF_STOCK"),
    "out of stock in every line": (
        (PLACED, rejected("tea"), rejected("cup"), released("cup")),
        S.REJECTED,
        "OUT_OF_STOCK",
    ),
    "unknown product": (
        (PLACED, rejected("cup", Reason.UNKNOWN_PRODUCT), released("tea")),
        S.REJECTED,
        "UNKNOWN_PRODUCT",
    ),
    "mixed currencies": (
        (PLACED, reserved("tea", "EUR"), reserved("cup", "USD"), *BOTH_RELEASED),
        S.REJECTED,
        "PAYMENT_DECLINED",
    ),
    "declined": ((PLACED, *BOTH_RESERVED, DECLINED, *BOTH_RELEASED), S.REJECTED, "PAYMENT_DECLINED"),
    "the gateway never says whether it authorised": (
        (PLACED, *BOTH_RESERVED, AUTHORIZE_STALLED, VOIDED, *BOTH_RELEASED),
        S.REJECTED,
        "EXPIRED",
    ),
    "the carrier never says whether it comes": (
        (*PAID, BOOK_STALLED, CALLED_OFF, VOIDED, *BOTH_RELEASED),
        S.REJECTED,
        "EXPIRED",
    ),
    "the gateway never says whether it captured": (
        (*PAID, BOOKED, CAPTURE_STALLED, CALLED_OFF, REFUNDED, *BOTH_RELEASED),
        S.REJECTED,
        "EXPIRED",
    ),
    "stalled, and authorised after all": (
        (PLACED, *BOTH_RESERVED, AUTHORIZE_STALLED, AUTHORIZED, *BOTH_RELEASED, VOIDED),
        S.REJECTED,
        "EXPIRED",
    ),
    "stalled while it is undone: undone to the end": (
        (*PAID, CANCEL, REVERSE_STALLED, CALLED_OFF, REVERSE_STALLED, *BOTH_RELEASED, REVERSE_STALLED, VOIDED),
        S.CANCELLED,
        "no longer needed",
    ),
    "told late of a stalled call that was answered": (
        (*PAID, AUTHORIZE_STALLED, BOOKED, AUTHORIZE_STALLED, CAPTURED, CAPTURE_STALLED, *BOTH_COMMITTED),
        S.SHIPPED,
        "",
    ),
    "refused": ((*PAID, REFUSED, VOIDED, *BOTH_RELEASED), S.REJECTED, "SHIPPING_REFUSED"),
    "capture failed": (
        (*PAID, BOOKED, CAPTURE_FAILED, CALLED_OFF, VOIDED, *BOTH_RELEASED),
        S.REJECTED,
        "PAYMENT_DECLINED",
    ),
    "cancelled before the payment is asked for": (
        (PLACED, CANCEL, *BOTH_RELEASED),
        S.CANCELLED,
        "no longer needed",
    ),
    "cancelled while authorising": (
        (PLACED, *BOTH_RESERVED, CANCEL, VOIDED, *BOTH_RELEASED),
        S.CANCELLED,
        "no longer needed",
    ),
    "cancelled, and never asked for money": (
        (PLACED, *BOTH_RESERVED, CANCEL, CLOSED, *BOTH_RELEASED),
        S.CANCELLED,
        "no longer needed",
    ),
    "cancelled, and declined meanwhile": (
        (PLACED, *BOTH_RESERVED, CANCEL, DECLINED, *BOTH_RELEASED),
        S.CANCELLED,
        "no longer needed",
    ),
    "cancelled while capturing": (
        (*PAID, BOOKED, CANCEL, CAPTURED, CALLED_OFF, REFUNDED, *BOTH_RELEASED),
        S.CANCELLED,
        "no longer needed",
    ),
    "cancelled too late to turn a rejection": (
        (PLACED, rejected("cup"), CANCEL, released("tea")),
        S.REJECTED,
        "OUT_OF_STOCK",
    ),
    "has left, with the money under way": (
        (*PAID, BOOKED, CANCEL, LEFT, *BOTH_COMMITTED, CAPTURED),
        S.NEEDS_ATTENTION,
        "no longer needed",
    ),
    "void failed": (
        (*PAID, REFUSED, *BOTH_RELEASED, VOID_FAILED),
        S.NEEDS_ATTENTION,
        "SHIPPING_REFUSED",
    ),
    "refund failed": (
        (*PAID, BOOKED, CANCEL, CALLED_OFF, REFUND_FAILED, *BOTH_RELEASED),
        S.NEEDS_ATTENTION,
        "no longer needed",
    ),
}


@pytest.mark.parametrize(("heard", "state", "reason"), ENDS.values(), ids=ENDS)
def test_each_end_is_at_rest_and_not_before(heard: tuple[Signal, ...], state: State, reason: str) -> None:
    before, end = hear(*heard[:-1]).order, hear(*heard).order
    assert (end.state, end.reason, saga.at_rest(end)) == (state, reason, True)
    assert not saga.at_rest(before)


@pytest.mark.parametrize("state", list(State))
def test_a_cancel_turns_back_until_the_money_is_taken(state: State) -> None:
    before = standing_in(state)
    said = tell(before, CANCEL)
    if state in saga.CAN_TURN_BACK:
        assert said.order.state in (S.CALLING_OFF, S.UNDOING)
        assert (said.order.outcome, said.order.reason) == (S.CANCELLED, "no longer needed")
        assert said.commands
    else:
        assert said.decision == saga.Decision()


@pytest.mark.parametrize("state", list(State))
def test_a_deadline_of_this_version_turns_back_as_expired(state: State) -> None:
    before = standing_in(state)
    said = tell(before, expired(before))
    if state in saga.CAN_TURN_BACK:
        assert said.order.state in (S.CALLING_OFF, S.UNDOING)
        assert (said.order.outcome, said.order.reason) == (S.REJECTED, "EXPIRED")
        assert said.commands
    else:
        assert said.decision == saga.Decision()


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("off_by", [-1, 1])
def test_a_deadline_of_another_version_is_over(state: State, off_by: int) -> None:
    before = standing_in(state)
    assert tell(before, DeadlinePassed(before.version + off_by)).decision == saga.Decision()


@pytest.mark.parametrize("at_ms", [0, 999, 1_000, 1_001])
def test_a_deadline_from_a_clock_that_is_ahead_waits_for_the_brokers(at_ms: int) -> None:
    before = standing_in(S.AWAIT_PAY)
    decision = saga.decide(before, DeadlinePassed(before.version, due_at_ms=1_000), before.applied + 1, at_ms)
    assert (decision == saga.Decision()) == (at_ms < 1_000)


def test_what_the_public_sees_of_an_order_that_ships() -> None:
    order = standing_in(S.SHIPPED)
    assert [it.status for it in order.history] == [Status.PENDING, Status.RESERVED, Status.PAID, Status.SHIPPED]
    assert [it.version for it in order.history] == [1, 2, 3, 4]


def test_what_the_public_sees_of_an_order_that_is_turned_back() -> None:
    order = standing_in(S.NEEDS_ATTENTION)
    assert [it.status for it in order.history] == [
        Status.PENDING,
        Status.RESERVED,
        Status.PAID,
        Status.CANCELLING,
        Status.NEEDS_ATTENTION,
    ]


def test_a_change_keeps_the_time_of_its_message() -> None:
    order = saga.decide(None, PLACED, 0, at_ms=1_000).order
    assert order is not None
    order = saga.decide(order, CANCEL, 1, at_ms=2_500).order
    assert order is not None
    assert (order.placed_at_ms, order.updated_at_ms) == (1_000, 2_500)
