"""The saga on random ways: whatever is said, in whatever order, at whatever offset, these hold."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import saga
from app.domain.order import PAYMENT, SHIPMENT, Order, State, line_leg
from app.domain.signals import DeadlinePassed, Signal
from tests.unit.domain.conversation import PLACED, PLACED_MANUAL
from tests.unit.domain.test_saga_table import EVERY_SIGNAL, answers, is_sound

WAY = settings(max_examples=300, deadline=None, database=None)
AN_ANSWER = st.integers(min_value=0)
"""Which of the fitting answers; anything that can be said at random would seldom lead far."""

words = st.lists(st.one_of(AN_ANSWER, AN_ANSWER, st.sampled_from(EVERY_SIGNAL)), max_size=25)
beginnings = st.sampled_from([PLACED, PLACED_MANUAL])


def next_signal(order: Order, word: int | Signal) -> Signal:
    if not isinstance(word, int):
        return word
    fitting = sorted(answers(order), key=repr)
    return fitting[word % len(fitting)] if fitting else DeadlinePassed(order.version)


def walk(placed: Signal, said: list[int | Signal]) -> list[tuple[Signal, Order, saga.Decision]]:
    """Each message with the order after it and the decision; its place in the list is its offset."""
    first = saga.decide(None, placed, 0)
    assert first.order is not None
    way = [(placed, first.order, first)]
    for word in said:
        before = way[-1][1]
        signal = next_signal(before, word)
        decision = saga.decide(before, signal, len(way))
        way.append((signal, decision.order or before, decision))
    return way


@WAY
@given(beginnings, words)
def test_every_step_is_sound(placed: Signal, said: list[int | Signal]) -> None:
    way = walk(placed, said)
    for offset, ((_, before, _), (_, after, decision)) in enumerate(pairwise(way), start=1):
        assert is_sound(before, after)
        assert (decision.order is None) == (after == before), "a decision that changes nothing says so"
        if decision.order is not None:
            assert after.applied == offset
        assert decision.changes == after.history[len(before.history) :]


@WAY
@given(beginnings, words)
def test_a_new_command_is_remembered_until_it_is_answered(placed: Signal, said: list[int | Signal]) -> None:
    way = walk(placed, said)
    legs_there_are = {PAYMENT, SHIPMENT, line_leg("tea"), line_leg("cup")}
    for (_, before, _), (_, after, decision) in pairwise(way):
        fresh = [it for it in after.unanswered if it not in before.unanswered]
        asked = [(it.leg, it.verb) for it in decision.commands]
        assert asked[: len(fresh)] == [(it.leg, it.verb) for it in fresh]
        assert all(verb.value == "RELEASE" for _, verb in asked[len(fresh) :]), "only stock is given back untracked"
        assert {it.leg for it in after.unanswered} <= legs_there_are


@WAY
@given(beginnings, words, st.data())
def test_a_replay_changes_nothing_and_repeats_only_what_was_said(
    placed: Signal, said: list[int | Signal], data: st.DataObject
) -> None:
    way = walk(placed, said)
    last = way[-1][1]
    offset = data.draw(st.integers(0, last.applied))
    signal, _, first = way[offset]
    again = saga.decide(last, signal, offset)
    assert again.order is None
    assert set(again.commands) <= set(first.commands)
    assert again.changes == first.changes
    assert again.refusal == first.refusal


@WAY
@given(beginnings, words)
def test_an_order_whose_commands_are_answered_comes_to_rest(placed: Signal, said: list[int | Signal]) -> None:
    """Also after nonsense. A deadline helps it on where nothing is unanswered: where a person has to act."""
    order = walk(placed, said)[-1][1]
    steps = 0
    while not saga.at_rest(order):
        signal = next_signal(order, 0)
        decision = saga.decide(order, signal, order.applied + 1)
        assert decision.order is not None, f"{order.state} does not hear {signal}"
        order, steps = decision.order, steps + 1
        assert steps < 30


@WAY
@given(beginnings, words)
def test_an_order_that_turned_back_never_ships(placed: Signal, said: list[int | Signal]) -> None:
    turned = False
    for _, order, _ in walk(placed, said):
        turned = turned or order.outcome is not None
        assert not (turned and order.state in (State.COMMITTING, State.SHIPPED))
