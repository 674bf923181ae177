"""What comes twice, late, or to nobody: replays, doubles, stock granted to an order that wants it no more, refusals."""

from __future__ import annotations

import pytest

from app.domain import saga
from app.domain.order import Line, State
from app.domain.signals import DeadlinePassed, Placed, Signal
from tests.unit.domain.conversation import (
    AUTHORIZED,
    BOOKED,
    BOTH_RELEASED,
    CALLED_OFF,
    CANCEL,
    CAPTURED,
    CLOSED,
    PAY,
    PLACED,
    REFUNDED,
    SHIP,
    WAYS,
    committed,
    hear,
    rejected,
    released,
    reserved,
    spoken,
    standing_in,
    tell,
    waiting,
)

S = State
OTHER = Placed((Line("tea", 2),), "another content")


@pytest.mark.parametrize("state", list(State))
def test_a_replay_changes_nothing_and_says_only_what_is_left(state: State) -> None:
    """Every message of the order's way is applied again, as after a crash."""
    order = standing_in(state)
    for offset, signal in enumerate(WAYS[state]):
        again = saga.decide(order, signal, offset)
        assert again.order is None
        assert [(it.leg, it.verb) for it in again.commands] == [
            (it.leg, it.verb) for it in order.unanswered if it.offset == offset
        ]
        assert again.changes == tuple(it for it in order.history if it.offset == offset)


def test_a_replay_of_an_answered_command_is_quiet() -> None:
    order = hear(PLACED, reserved("tea")).order
    assert spoken(saga.decide(order, PLACED, 0)) == ["cup RESERVE"]


@pytest.mark.parametrize("state", list(State))
def test_doubles_of_everything_said_before_change_nothing(state: State) -> None:
    """The same messages once more, at new offsets: late copies of replies that were noted already."""
    before = standing_in(state)
    for signal in WAYS[state]:
        if signal in (CANCEL, PAY, SHIP):
            continue  # a person's word counts whenever it is said
        said = tell(before, signal)
        assert said.order == before, signal
        released_again = [it for it in said.commands if it.endswith("RELEASE")]
        assert said.commands == released_again, "a double may give stock back, and nothing else"


def test_stock_granted_after_the_line_was_rejected_goes_back_and_is_waited_for() -> None:
    order = hear(PLACED, rejected("cup"), released("tea")).order
    assert saga.at_rest(order)
    late = tell(order, reserved("cup"))
    assert late.commands == ["cup RELEASE"]
    assert not saga.at_rest(late.order)
    assert saga.at_rest(tell(late.order, released("cup")).order)


def test_stock_granted_twice_after_the_rejection_is_asked_back_once() -> None:
    order = hear(PLACED, rejected("cup"), released("tea"), reserved("cup")).order
    again = tell(order, reserved("cup"))
    assert again.commands == []
    assert waiting(again.order) == ["cup RELEASE"]


def test_stock_granted_to_a_line_that_was_released_goes_back_untracked() -> None:
    order = standing_in(S.CANCELLED)
    said = tell(order, reserved("tea"))
    assert (said.commands, said.order) == (["tea RELEASE"], order)


def test_stock_granted_to_a_line_that_was_committed_goes_back_untracked() -> None:
    order = standing_in(S.SHIPPED)
    said = tell(order, reserved("tea"))
    assert (said.commands, said.order) == (["tea RELEASE"], order)


@pytest.mark.parametrize("state", [S.COMMITTING, S.LEFT])
def test_nothing_is_released_while_its_commit_is_unanswered(state: State) -> None:
    assert tell(standing_in(state), reserved("tea")).commands == []


@pytest.mark.parametrize("state", list(State))
def test_stock_of_a_product_the_order_does_not_have_goes_back(state: State) -> None:
    order = standing_in(state)
    said = tell(order, reserved("spoon"))
    assert (said.commands, said.order) == (["spoon RELEASE"], order)


def test_a_line_that_is_closed_before_it_was_reserved_is_no_reserved_line() -> None:
    """An id used again after the order was forgotten: the product still knows the old reservation as settled."""
    for gone in (released("cup"), committed("cup")):
        said = hear(PLACED, reserved("tea"), gone)
        assert (said.order.state, said.commands) == (S.UNDOING, ["tea RELEASE"])
        assert said.order.reason == "OUT_OF_STOCK"
        assert saga.at_rest(tell(said.order, released("tea")).order)


def test_stock_of_an_order_that_is_not_known_goes_back() -> None:
    assert spoken(saga.decide(None, reserved("tea"), 0)) == ["tea RELEASE"]


@pytest.mark.parametrize("told", [rejected("tea"), released("tea"), committed("tea")])
def test_other_news_of_stock_for_an_order_that_is_not_known_is_nothing(told: Signal) -> None:
    assert saga.decide(None, told, 0) == saga.Decision()


@pytest.mark.parametrize("said", [CANCEL, PAY, SHIP, DeadlinePassed(1), AUTHORIZED, REFUNDED, CLOSED, BOOKED])
def test_everything_else_for_an_order_that_is_not_known_is_refused(said: Signal) -> None:
    """Money above all: giving back what an unknown order paid once refunded an order that had shipped."""
    decision = saga.decide(None, said, 0)
    assert decision == saga.Decision(refusal="no such order")


@pytest.mark.parametrize("state", list(State))
def test_another_order_with_this_id_is_refused(state: State) -> None:
    order = standing_in(state)
    decision = saga.decide(order, OTHER, order.applied + 1)
    assert decision == saga.Decision(refusal="another order has this id")


def test_a_refusal_is_repeated_when_the_message_is_replayed() -> None:
    """The worker may have died before the dead letter was safe, and after a later message was applied."""
    order = hear(PLACED, reserved("tea")).order
    order = tell(order, reserved("cup"), offset=3).order
    assert saga.decide(order, OTHER, 2).refusal == "another order has this id"


def test_what_came_before_the_order_is_refused_again_when_it_is_replayed() -> None:
    order = tell(None, PLACED, offset=5).order
    assert saga.decide(order, CANCEL, 3).refusal == "no such order"
    assert saga.decide(order, PLACED, 5).refusal == ""


def test_stock_given_back_before_the_order_came_is_not_given_back_again() -> None:
    """By now the product may hold pieces for this very order."""
    order = tell(None, PLACED, offset=5).order
    assert saga.decide(order, reserved("tea"), 3) == saga.Decision()


def test_an_undo_that_has_failed_is_not_taken_back_by_a_late_answer() -> None:
    order = standing_in(S.NEEDS_ATTENTION)
    for late in (AUTHORIZED, CAPTURED, CALLED_OFF, *BOTH_RELEASED):
        assert tell(order, late).decision == saga.Decision()
