"""The steps of an order: forwards, and back from every point. Each reads given / when / then."""

from __future__ import annotations

import pytest

from app.domain import saga
from app.domain.order import Line, State
from app.domain.signals import LineTold, Placed, Signal
from app.domain.stock import LineStatus
from tests.unit.domain.conversation import (
    AUTHORIZED,
    BOOKED,
    BOTH_COMMITTED,
    BOTH_RESERVED,
    CALLED_OFF,
    CANCEL,
    CAPTURE_FAILED,
    CAPTURED,
    DECLINED,
    LEFT,
    PAY,
    PLACED,
    PLACED_MANUAL,
    REFUSED,
    SHIP,
    hear,
    rejected,
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
