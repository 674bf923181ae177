"""Errands under random commands, answers and lost answers: the money moves at most once each way, and never astray."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import outside, payment, shipment
from app.domain.payment import Payment, PaymentOperation, PaymentStatus, PaymentWant
from app.domain.shipment import Shipment, ShipmentOperation, ShipmentStatus, ShipmentWant

ENDS = {
    PaymentStatus.DECLINED,
    PaymentStatus.VOIDED,
    PaymentStatus.REFUNDED,
    PaymentStatus.VOID_FAILED,
    PaymentStatus.REFUND_FAILED,
    PaymentStatus.CLOSED,
}
moves = st.lists(st.one_of(st.sampled_from(PaymentWant), st.booleans()), max_size=20)
"""A command, or a definite answer (whether it went well) to the call under way."""


def calls_made(said: list[PaymentWant | bool]) -> tuple[list[tuple[PaymentOperation, bool]], list[Payment]]:
    errand: Payment | None = None
    calls: list[tuple[PaymentOperation, bool]] = []
    seen: list[Payment] = []
    for move in said:
        if isinstance(move, PaymentWant):
            decided = outside.decide(payment.RULES, errand, move, "o1", "bank")
        elif errand is not None and errand.pending is not None:
            calls.append((errand.pending.operation, move))
            decided = outside.settle(payment.RULES, errand, move)
        else:
            continue
        if decided.errand is not None:
            if errand is not None:
                assert decided.errand.version == errand.version + decided.changed
            assert decided.changed == (decided.errand != errand)
            assert (decided.answer is None) == (decided.errand.pending is not None)
            seen.append(decided.errand)
        errand = decided.errand or errand
    return calls, seen


@settings(max_examples=500, deadline=None, database=None)
@given(moves)
def test_each_operation_is_called_at_most_once_and_in_its_place(said: list[PaymentWant | bool]) -> None:
    calls, _ = calls_made(said)
    operations = [operation for operation, _ in calls]
    assert len(operations) == len(set(operations))
    went_well = {operation for operation, well in calls if well}
    if PaymentOperation.CAPTURE in operations or PaymentOperation.VOID in operations:
        assert PaymentOperation.AUTHORIZE in went_well
    if PaymentOperation.REFUND in operations:
        assert PaymentOperation.CAPTURE in went_well
    if PaymentOperation.CAPTURE in went_well:
        assert PaymentOperation.VOID not in operations


@settings(max_examples=500, deadline=None, database=None)
@given(moves)
def test_an_end_is_an_end_and_what_is_wanted_only_grows(said: list[PaymentWant | bool]) -> None:
    _, seen = calls_made(said)
    for before, after in pairwise(seen):
        wants = payment.RULES.wants
        assert wants.index(after.want) >= wants.index(before.want)
        if before.status in ENDS:
            assert after.status is before.status
            assert after.pending is None


@settings(max_examples=500, deadline=None, database=None)
@given(moves)
def test_a_reversal_ends_with_no_money_held_unless_the_gateway_will_not(said: list[PaymentWant | bool]) -> None:
    _, seen = calls_made([*said, PaymentWant.REVERSE, True, True, True])
    assert seen[-1].status in ENDS
    assert seen[-1].pending is None


@settings(max_examples=300, deadline=None, database=None)
@given(st.lists(st.one_of(st.sampled_from(ShipmentWant), st.booleans()), max_size=12))
def test_a_shipment_is_booked_once_and_called_off_once(said: list[ShipmentWant | bool]) -> None:
    errand: Shipment | None = None
    calls: list[ShipmentOperation] = []
    for move in [*said, ShipmentWant.CALL_OFF, True, True]:
        if isinstance(move, ShipmentWant):
            errand = outside.decide(shipment.RULES, errand, move, "o1", "post").errand
        elif errand is not None and errand.pending is not None:
            calls.append(errand.pending.operation)
            errand = outside.settle(shipment.RULES, errand, move).errand
    assert errand is not None
    assert errand.status in (ShipmentStatus.CALLED_OFF, ShipmentStatus.REFUSED, ShipmentStatus.LEFT)
    assert calls in ([], [ShipmentOperation.BOOK], [ShipmentOperation.BOOK, ShipmentOperation.CALL_OFF])
