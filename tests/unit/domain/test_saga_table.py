"""The saga's table as a whole: every state is reached, every pair decided, and every end is whole."""

from __future__ import annotations

import itertools

import pytest

from app.domain import legs, saga
from app.domain.order import Order, Reason, State, Status
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.signals import DeadlinePassed, LineTold, Signal
from app.domain.stock import LineStatus
from app.domain.value import replace
from tests.unit.domain.conversation import CANCEL, PAY, PLACED, PLACED_MANUAL, SHIP, payment, shipment, standing_in

EVERY_SIGNAL: tuple[Signal, ...] = (
    PLACED,
    PLACED_MANUAL,
    PAY,
    SHIP,
    CANCEL,
    *(DeadlinePassed(version) for version in range(8)),
    *(
        LineTold(product, status, 250, "EUR", shortage)
        for product, status in itertools.product(("tea", "cup", "spoon"), LineStatus)
        for shortage in (None, Reason.UNKNOWN_PRODUCT)
    ),
    *(payment(status) for status in PaymentStatus),
    *(shipment(status) for status in ShipmentStatus),
)


def test_every_state_stands_in_the_table_as_begin_target_or_end() -> None:
    targets = set(saga.STEPS.values()) | {State.RESERVING}
    assert targets == set(State)
    assert {state for state, _ in saga.STEPS} == set(State) - saga.ENDS
    assert set(saga.STATUS) == set(State)
    assert set(saga.STATUS.values()) == set(Status)


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_reached(state: State) -> None:
    assert standing_in(state).state is state


def test_every_trigger_leads_somewhere() -> None:
    assert {trigger for _, trigger in saga.STEPS} == set(legs.Trigger)


def test_there_is_one_way_back() -> None:
    """Whatever turns an order back leads to the same state, so that no failure has an undo of its own."""
    assert {to for (_, trigger), to in saga.STEPS.items() if trigger in saga.HOW_IT_ENDS} == {State.CALLING_OFF}


@pytest.mark.parametrize("state", list(State))
def test_every_pair_of_state_and_signal_is_decided(state: State) -> None:
    order = standing_in(state)
    for signal, offset in itertools.product(EVERY_SIGNAL, (-1, 0, order.applied, order.applied + 1)):
        decision = saga.decide(order, signal, offset)
        if decision.refusal:
            assert decision == saga.Decision(refusal=decision.refusal)
        if decision.order is not None:
            assert is_sound(order, decision.order)


def is_sound(before: Order, after: Order) -> bool:
    """What holds for every step: no leg waits twice, the version only grows, and an end is left by nothing."""
    waited = [it.leg for it in after.unanswered]
    kept = after.history[: len(before.history)] == before.history
    stays = before.state not in saga.ENDS or after.state is before.state
    return len(waited) == len(set(waited)) and kept and stays and after.version == len(after.history)


def everything_taken(order: Order) -> bool:
    lines = all(line.status is LineStatus.COMMITTED for line in order.lines)
    return lines and order.payment.status is PaymentStatus.CAPTURED and order.shipment.status is ShipmentStatus.BOOKED


def nothing_held(order: Order) -> bool:
    lines = all(line.status not in (LineStatus.ASKED, LineStatus.RESERVED) for line in order.lines)
    no_money = {PaymentStatus.NONE, PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED}
    no_shipment = {ShipmentStatus.NONE, ShipmentStatus.REFUSED, ShipmentStatus.CALLED_OFF}
    money = order.payment.status in no_money | {PaymentStatus.CLOSED}
    return lines and money and order.shipment.status in no_shipment


def test_a_walk_over_answers_that_fit_ends_with_everything_taken_or_nothing_held() -> None:
    """From a new order, every answer that its unanswered commands can have, cancels and deadlines at every moment."""
    seen: set[Order] = set()
    open_ends = [saga.decide(None, placed, 0).order for placed in (PLACED, PLACED_MANUAL)]
    ends: set[State] = set()
    while open_ends:
        order = open_ends.pop()
        assert order is not None
        if order in seen:
            continue
        seen.add(order)
        if saga.at_rest(order):
            ends.add(order.state)
            assert_whole(order)
            continue
        moves = [*answers(order), CANCEL, PAY, SHIP, DeadlinePassed(order.version)]
        after = [saga.decide(timeless(order), signal, 1).order for signal in moves]
        open_ends += [timeless(it) for it in after if it is not None]
        assert any(after), f"stuck: {order}"
    assert ends == saga.ENDS


def timeless(order: Order) -> Order:
    """Without the offsets, in which orders that stand alike differ."""
    unanswered = tuple(sorted((replace(it, offset=0) for it in order.unanswered), key=lambda it: it.leg))
    return replace(
        order, applied=0, unanswered=unanswered, history=tuple(replace(it, offset=0) for it in order.history)
    )


def answers(order: Order) -> list[Signal]:
    found: list[Signal] = []
    for waits in order.unanswered:
        for status in legs.ANSWERS[waits.verb]:
            if isinstance(status, LineStatus):
                found.append(LineTold(waits.leg.removeprefix("line:"), status, 250, "EUR"))
            elif isinstance(status, PaymentStatus):
                found.append(payment(status))
            elif isinstance(status, ShipmentStatus):
                found.append(shipment(status))
    return found


def assert_whole(order: Order) -> None:
    if order.state is State.SHIPPED:
        assert everything_taken(order)
    elif order.state in (State.REJECTED, State.CANCELLED):
        assert nothing_held(order)
        assert order.reason
