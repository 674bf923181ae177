"""Payments and shipments, case by case: what a command does to an errand, under way or not, and what an answer does."""

from __future__ import annotations

import pytest

from app.domain import outside, payment, shipment
from app.domain.outside import Errand, ErrandDecision, Pending
from app.domain.payment import Payment, PaymentDecision
from app.domain.payment import PaymentOperation as O
from app.domain.payment import PaymentStatus as P
from app.domain.payment import PaymentWant as W
from app.domain.shipment import Shipment, ShipmentDecision
from app.domain.shipment import ShipmentOperation as HO  # noqa: N814 - as short as the tables need
from app.domain.shipment import ShipmentStatus as H
from app.domain.shipment import ShipmentWant as HW  # noqa: N814
from app.domain.value import replace


def paying(status: P, want: W, operation: O | None = None) -> Payment:
    pending = Pending(operation, "bank", f"o1:{operation}:1") if operation else None
    return Errand("o1", "bank", status, want, pending)


def shipping(status: H, want: HW, operation: HO | None = None) -> Shipment:
    pending = Pending(operation, "post", f"o1:{operation}:1") if operation else None
    return Errand("o1", "post", status, want, pending)


def pay(errand: Payment | None, want: W) -> PaymentDecision:
    return outside.decide(payment.RULES, errand, want, "o1", "bank")


def ship(errand: Shipment | None, want: HW) -> ShipmentDecision:
    return outside.decide(shipment.RULES, errand, want, "o1", "post")


def test_a_new_payment_stands_in_the_row_with_its_call_before_the_call_is_made() -> None:
    assert pay(None, W.AUTHORIZE) == ErrandDecision(paying(P.ASKED, W.AUTHORIZE, O.AUTHORIZE), changed=True)


def test_a_payment_that_is_taken_back_before_it_was_asked_for_is_closed_without_a_call() -> None:
    closed = pay(None, W.REVERSE)
    assert closed == ErrandDecision(paying(P.CLOSED, W.REVERSE), changed=True, answer=P.CLOSED)
    assert closed.errand is not None
    assert pay(closed.errand, W.AUTHORIZE) == ErrandDecision(closed.errand, False, P.CLOSED)


def test_a_capture_of_no_payment_is_refused() -> None:
    assert pay(None, W.CAPTURE).errand is None


def test_a_shipment_that_is_called_off_before_it_was_asked_for_is_never_booked() -> None:
    off = ship(None, HW.CALL_OFF)
    assert off == ErrandDecision(shipping(H.CALLED_OFF, HW.CALL_OFF), True, H.CALLED_OFF)
    assert off.errand is not None
    assert ship(off.errand, HW.BOOK) == ErrandDecision(off.errand, False, H.CALLED_OFF)


NEXT_CALLS: dict[str, tuple[P, W, O]] = {
    "open, capture": (P.AUTHORIZED, W.CAPTURE, O.CAPTURE),
    "open, reverse": (P.AUTHORIZED, W.REVERSE, O.VOID),
    "captured, reverse": (P.CAPTURED, W.REVERSE, O.REFUND),
    "not captured, reverse": (P.CAPTURE_FAILED, W.REVERSE, O.VOID),
}


@pytest.mark.parametrize(("status", "want", "call"), NEXT_CALLS.values(), ids=NEXT_CALLS)
def test_a_further_command_starts_the_next_call(status: P, want: W, call: O) -> None:
    decided = pay(paying(status, W.AUTHORIZE), want)
    assert decided == ErrandDecision(replace(paying(status, want, call), version=2), changed=True)


ENDED = [P.DECLINED, P.VOIDED, P.REFUNDED, P.VOID_FAILED, P.REFUND_FAILED, P.CLOSED]


@pytest.mark.parametrize("status", ENDED)
@pytest.mark.parametrize("want", list(W))
def test_a_payment_that_has_ended_says_so_and_calls_nobody(status: P, want: W) -> None:
    decided = pay(paying(status, W.REVERSE), want)
    assert (decided.answer, decided.changed) == (status, False)
    assert decided.errand is not None
    assert decided.errand.pending is None


@pytest.mark.parametrize("want", list(W))
@pytest.mark.parametrize("operation", list(O))
def test_while_a_call_is_under_way_a_command_only_raises_what_is_wanted(want: W, operation: O) -> None:
    under_way = paying(P.ASKED, W.CAPTURE, operation)
    decided = pay(under_way, want)
    further = want is W.REVERSE
    expected = replace(under_way, want=W.REVERSE, version=2) if further else under_way
    assert decided == ErrandDecision(expected, changed=further, answer=None)


def test_the_same_command_again_is_answered_with_how_it_stands() -> None:
    assert pay(paying(P.AUTHORIZED, W.AUTHORIZE), W.AUTHORIZE).answer is P.AUTHORIZED
    assert pay(paying(P.CAPTURED, W.CAPTURE), W.AUTHORIZE).answer is P.CAPTURED
    assert ship(shipping(H.BOOKED, HW.BOOK), HW.BOOK).answer is H.BOOKED


ANSWERS: dict[str, tuple[W, O, bool, P, O | None]] = {
    "authorised": (W.AUTHORIZE, O.AUTHORIZE, True, P.AUTHORIZED, None),
    "declined": (W.AUTHORIZE, O.AUTHORIZE, False, P.DECLINED, None),
    "captured": (W.CAPTURE, O.CAPTURE, True, P.CAPTURED, None),
    "not captured": (W.CAPTURE, O.CAPTURE, False, P.CAPTURE_FAILED, None),
    "voided": (W.REVERSE, O.VOID, True, P.VOIDED, None),
    "not voided": (W.REVERSE, O.VOID, False, P.VOID_FAILED, None),
    "refunded": (W.REVERSE, O.REFUND, True, P.REFUNDED, None),
    "not refunded": (W.REVERSE, O.REFUND, False, P.REFUND_FAILED, None),
    "authorised, and no longer wanted": (W.REVERSE, O.AUTHORIZE, True, P.AUTHORIZED, O.VOID),
    "declined, and no longer wanted": (W.REVERSE, O.AUTHORIZE, False, P.DECLINED, None),
    "authorised, and to be captured": (W.CAPTURE, O.AUTHORIZE, True, P.AUTHORIZED, O.CAPTURE),
    "captured, and no longer wanted": (W.REVERSE, O.CAPTURE, True, P.CAPTURED, O.REFUND),
    "not captured, and no longer wanted": (W.REVERSE, O.CAPTURE, False, P.CAPTURE_FAILED, O.VOID),
}


@pytest.mark.parametrize(("want", "call", "well", "status", "then"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_ends_the_call_and_starts_the_next(want: W, call: O, well: bool, status: P, then: O | None) -> None:
    before = P.AUTHORIZED if call is not O.AUTHORIZE else P.ASKED
    decided = outside.settle(payment.RULES, paying(before, want, call), well)
    assert decided.errand == replace(paying(status, want, then), version=2)
    assert decided.answer is (None if then else status), "told only when nothing more is to be done"


SHIPMENTS: dict[str, tuple[HW, HO, bool, H, HO | None]] = {
    "booked": (HW.BOOK, HO.BOOK, True, H.BOOKED, None),
    "refused": (HW.BOOK, HO.BOOK, False, H.REFUSED, None),
    "booked, and no longer wanted": (HW.CALL_OFF, HO.BOOK, True, H.BOOKED, HO.CALL_OFF),
    "refused, and no longer wanted": (HW.CALL_OFF, HO.BOOK, False, H.REFUSED, None),
    "called off": (HW.CALL_OFF, HO.CALL_OFF, True, H.CALLED_OFF, None),
    "has left": (HW.CALL_OFF, HO.CALL_OFF, False, H.LEFT, None),
}


@pytest.mark.parametrize(("want", "call", "well", "status", "then"), SHIPMENTS.values(), ids=SHIPMENTS)
def test_an_answer_of_the_carrier(want: HW, call: HO, well: bool, status: H, then: HO | None) -> None:
    before = H.BOOKED if call is HO.CALL_OFF else H.ASKED
    decided = outside.settle(shipment.RULES, shipping(before, want, call), well)
    assert decided.errand == replace(shipping(status, want, then), version=2)
    assert decided.answer is (None if then else status)


def test_an_answer_to_no_call_is_a_fault() -> None:
    with pytest.raises(ValueError, match="nothing is under way for o1"):
        outside.settle(payment.RULES, paying(P.AUTHORIZED, W.AUTHORIZE), True)


def test_a_call_is_made_where_the_payment_was_opened_and_under_a_key_of_its_own() -> None:
    opened = pay(None, W.AUTHORIZE).errand
    assert opened is not None
    authorized = outside.settle(payment.RULES, opened, True).errand
    assert authorized is not None
    captured = outside.decide(payment.RULES, authorized, W.CAPTURE, "o1", at="another bank").errand
    assert captured is not None
    assert captured.pending == Pending(O.CAPTURE, "bank", "o1:capture:1")
    assert opened.pending is not None
    assert captured.pending.key != opened.pending.key


def test_every_operation_has_both_outcomes() -> None:
    assert set(payment.RULES.outcomes) == {(operation, well) for operation in O for well in (True, False)}
    assert set(shipment.RULES.outcomes) == {(operation, well) for operation in HO for well in (True, False)}
