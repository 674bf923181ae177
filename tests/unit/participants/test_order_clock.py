"""What the clock sends of an order."""

from app import topics
from app.domain.deadlines import Waits
from app.domain.order import Change, Line, Order, State, Status
from app.participants.order_clock import OrderClock
from schemas.commands import ReachDeadline
from schemas.rows import OrderRow

WAITING = Order(
    State.AWAIT_PAY, (Line("tea", 1),), applied=3, history=(Change(3, 2, Status.AWAITING_PAYMENT, at_ms=5_000),)
)


def test_a_deadline_says_when_it_was_due_so_that_only_the_brokers_clock_counts() -> None:
    clock = OrderClock(Waits(1_000, 1_000, 1_000, 100, 300))
    (sent,) = clock.ring(OrderRow("o", "ada", WAITING), 5_000, 0, 9_000)
    deadline = topics.read_order_message(sent.value)
    assert isinstance(deadline, ReachDeadline)
    assert (sent.topic, deadline.version, deadline.due_at_ms) == (topics.ORDERS, 2, 6_000)
