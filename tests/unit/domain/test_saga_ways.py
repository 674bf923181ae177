"""The ways of an order: forwards to the end, and back from every point. Each reads given / when / then."""

from __future__ import annotations

import pytest

from app.domain import saga
from app.domain.order import Line, Reason, State, Status
from app.domain.signals import DeadlinePassed, LineTold, Placed, Signal
from app.domain.stock import LineStatus
from tests.unit.domain.conversation import (
    AUTHORIZED,
    BOOKED,
    BOTH_COMMITTED,
    BOTH_RELEASED,
    BOTH_RESERVED,
    CALLED_OFF,
    CANCEL,
    CAPTURE_FAILED,
    CAPTURED,
    CLOSED,
    DECLINED,
    LEFT,
    PAY,
    PLACED,
    PLACED_MANUAL,
    REFUND_FAILED,
    REFUNDED,
    REFUSED,
    SHIP,
    VOID_FAILED,
    VOIDED,
    expired,
    hear,
    rejected,
    released,
    reserved,
    standing_in,
    tell,
    waiting,
)

S = State
PAID = (PLACED, *BOTH_RESERVED, AUTHORIZED)

STEPS: dict[str, tuple[tuple[Signal, ...], State, list[str]]] = {
    "a new order reserves each line": ((PLACED,), S.RESERVING, ["tea RESERVE", "cup RESERVE"]),
    "one line reserved: waits for the other": ((PLACED, reserved("tea")), S.RESERVING, []),
    "all lines reserved: the money is set aside": (
        (PLACED, *BOTH_RESERVED),
        S.AUTHORIZING,
        ["payment AUTHORIZE"],
    ),
    "lines may answer in any order": ((PLACED, *BOTH_RESERVED[::-1]), S.AUTHORIZING, ["payment AUTHORIZE"]),
    "authorised: the carrier is asked": (PAID, S.BOOKING, ["shipment BOOK"]),
    "booked: the money is taken, the stock not yet": ((*PAID, BOOKED), S.CAPTURING, ["payment CAPTURE"]),
    "captured: the stock leaves": ((*PAID, BOOKED, CAPTURED), S.COMMITTING, ["tea COMMIT", "cup COMMIT"]),
    "all committed: at rest": ((*PAID, BOOKED, CAPTURED, *BOTH_COMMITTED), S.SHIPPED, []),
    "manual payment waits for a person": ((PLACED_MANUAL, *BOTH_RESERVED), S.AWAIT_PAY, []),
    "the person pays": ((PLACED_MANUAL, *BOTH_RESERVED, PAY), S.AUTHORIZING, ["payment AUTHORIZE"]),
    "manual shipping waits for a person": (
        (PLACED_MANUAL, *BOTH_RESERVED, PAY, AUTHORIZED),
        S.AWAIT_SHIP,
        [],
    ),
    "the person has it shipped": (
        (PLACED_MANUAL, *BOTH_RESERVED, PAY, AUTHORIZED, SHIP),
        S.BOOKING,
        ["shipment BOOK"],
    ),
    "paying twice is paying once": ((PLACED_MANUAL, *BOTH_RESERVED, PAY, PAY), S.AUTHORIZING, []),
    "nobody can pay before the stock is held": ((PLACED_MANUAL, reserved("tea"), PAY), S.RESERVING, []),
    "nobody can ship before the money is there": ((PLACED_MANUAL, *BOTH_RESERVED, SHIP), S.AWAIT_PAY, []),
    # back
    "one line rejected: the one held and the one asked for come back at once": (
        (PLACED, rejected("cup")),
        S.UNDOING,
        ["tea RELEASE"],
    ),
    "rejected after the other was reserved": (
        (PLACED, reserved("tea"), rejected("cup")),
        S.UNDOING,
        ["tea RELEASE"],
    ),
    "mixed currencies can't be paid": (
        (PLACED, reserved("tea", "EUR"), reserved("cup", "USD")),
        S.UNDOING,
        ["tea RELEASE", "cup RELEASE"],
    ),
    "declined: no money to give back": (
        (PLACED, *BOTH_RESERVED, DECLINED),
        S.UNDOING,
        ["tea RELEASE", "cup RELEASE"],
    ),
    "refused by the carrier: void": (
        (*PAID, REFUSED),
        S.UNDOING,
        ["payment REVERSE", "tea RELEASE", "cup RELEASE"],
    ),
    "capture failed for good: the shipment first": (
        (*PAID, BOOKED, CAPTURE_FAILED),
        S.CALLING_OFF,
        ["shipment CALL_OFF"],
    ),
    "called off: then money and stock": (
        (*PAID, BOOKED, CAPTURE_FAILED, CALLED_OFF),
        S.UNDOING,
        ["payment REVERSE", "tea RELEASE", "cup RELEASE"],
    ),
    "it has left: the stock is gone, the money stays": (
        (*PAID, BOOKED, CANCEL, LEFT),
        S.LEFT,
        ["tea COMMIT", "cup COMMIT"],
    ),
    "cancelled while the carrier is asked: the answer to the booking does not do": (
        (*PAID, CANCEL, BOOKED),
        S.CALLING_OFF,
        [],
    ),
    "cancelled, and the carrier refuses: called off as well": (
        (*PAID, CANCEL, REFUSED),
        S.UNDOING,
        ["payment REVERSE", "tea RELEASE", "cup RELEASE"],
    ),
}


@pytest.mark.parametrize(("heard", "state", "says"), STEPS.values(), ids=STEPS)
def test_each_step(heard: tuple[Signal, ...], state: State, says: list[str]) -> None:
    said = hear(*heard)
    assert (said.order.state, said.commands) == (state, says)


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


def test_the_price_of_a_line_is_the_one_it_was_reserved_at() -> None:
    order = hear(PLACED, reserved("tea"), reserved("cup")).order
    dearer = LineTold("tea", LineStatus.RESERVED, unit_price_minor=999, currency="EUR")
    assert tell(order, dearer).order.total_minor == order.total_minor == 3 * 250


BAD_ORDERS = {
    "no lines": Placed(()),
    "a product twice": Placed((Line("tea", 1), Line("tea", 2))),
}


@pytest.mark.parametrize("placed", BAD_ORDERS.values(), ids=BAD_ORDERS)
def test_an_order_that_can_not_be_is_refused(placed: Placed) -> None:
    assert saga.decide(None, placed, 0).refusal


def test_the_same_order_again_changes_nothing() -> None:
    order = standing_in(S.AUTHORIZING)
    assert tell(order, PLACED).decision == saga.Decision()


def test_a_cancel_supersedes_what_was_asked_before() -> None:
    assert waiting(standing_in(S.UNDOING)) == ["payment REVERSE", "tea RELEASE", "cup RELEASE"]
