"""What the clock says to an order, and when."""

import pytest

from app.domain.deadlines import Due, Waits, due, expires_at_ms, next_look_ms
from app.domain.order import Change, Line, Order, State, Status, Unanswered, Verb
from app.domain.value import replace

WAITS = Waits(payment_ms=5_000, shipment_ms=7_000, answer_ms=1_000, remind_first_ms=100, remind_longest_ms=300)
PLACED_MS = 10_000


def order_in(state: State, *, unanswered: bool = False) -> Order:
    waiting = (Unanswered("payment", Verb.AUTHORIZE, 1),) if unanswered else ()
    history = (Change(0, 1, Status.PENDING, PLACED_MS),)
    return Order(state, (Line("789", 1),), applied=1, unanswered=waiting, history=history)


@pytest.mark.parametrize(
    ("state", "expires_ms"),
    [
        (State.AWAIT_PAY, 15_000),
        (State.AWAIT_SHIP, 17_000),
        *((state, 11_000) for state in (State.RESERVING, State.AUTHORIZING, State.BOOKING, State.CAPTURING)),
        *((state, None) for state in (State.COMMITTING, State.CALLING_OFF, State.UNDOING, State.LEFT)),
        *((state, None) for state in (State.SHIPPED, State.REJECTED, State.CANCELLED, State.NEEDS_ATTENTION)),
    ],
)
def test_every_state_that_can_turn_back_has_a_deadline(state: State, expires_ms: int | None) -> None:
    assert expires_at_ms(order_in(state), WAITS) == expires_ms


def test_reminders_come_after_ever_longer_pauses() -> None:
    order = order_in(State.UNDOING, unanswered=True)
    assert [next_look_ms(order, WAITS, 20_000, rung) for rung in (0, 1, 2, 50)] == [20_100, 20_200, 20_300, 20_300]
    assert due(order, WAITS, 20_000, 0, 20_099) == Due(None, reminder=False)
    assert due(order, WAITS, 20_000, 0, 20_100) == Due(None, reminder=True)


def test_a_deadline_is_told_when_it_passes_and_again_while_it_does_not_show() -> None:
    order = order_in(State.AWAIT_PAY)
    assert next_look_ms(order, WAITS, PLACED_MS, 0) == 15_000
    assert due(order, WAITS, PLACED_MS, 0, 15_000) == Due(15_000, reminder=False)
    assert next_look_ms(order, WAITS, 15_000, 1) == 15_200


def test_an_order_at_rest_waits_for_nothing() -> None:
    assert next_look_ms(order_in(State.SHIPPED), WAITS, PLACED_MS, 0) is None


def test_an_ended_order_is_still_reminded_of_what_it_gives_back() -> None:
    late = replace(order_in(State.REJECTED), unanswered=(Unanswered("line:789", Verb.RELEASE, 4),))
    assert next_look_ms(late, WAITS, 20_000, 0) == 20_100
