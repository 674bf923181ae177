"""How long an order may wait in each state, and what the clock then does: remind its legs, or turn it back.

The times are handed in: they are settings, and a decision on the order itself never looks at them. It gets a
`DeadlinePassed` that names the version it was meant for, so one that comes late, or twice, does nothing; and its time,
so that neither does one from a machine whose clock is ahead of the broker's.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.order import Order, State


@dataclass(frozen=True, slots=True)
class Waits:
    """The longest waits, in milliseconds: for a person to pay or to ship, and for a leg's answer.

    An unanswered command is sent again after `remind_first_ms`, then after twice as long each time, at most
    `remind_longest_ms`.
    """

    payment_ms: int
    shipment_ms: int
    answer_ms: int
    remind_first_ms: int
    remind_longest_ms: int


@dataclass(frozen=True, slots=True)
class Due:
    """What the clock has to say to an order now: that its time was over at `deadline_ms`, and whether to ask again."""

    deadline_ms: int | None
    reminder: bool


def expires_at_ms(order: Order, waits: Waits) -> int | None:
    """When the order is turned back unless it has gone on; None in a state that must be gone through to its end."""
    match order.state:
        case State.AWAIT_PAY:
            return order.updated_at_ms + waits.payment_ms
        case State.AWAIT_SHIP:
            return order.updated_at_ms + waits.shipment_ms
        case State.RESERVING | State.AUTHORIZING | State.BOOKING | State.CAPTURING:
            return order.updated_at_ms + waits.answer_ms
        case _:
            return None


def next_look_ms(order: Order, waits: Waits, since_ms: int, rung: int) -> int | None:
    """When to look at the order again, or None.

    `since_ms` is when it last changed or was looked at, `rung` how often that was since it changed. A deadline is told
    again, like a command, for as long as it does not show: its message may have been lost.
    """
    again_ms = since_ms + _pause_ms(waits, rung)
    times = [again_ms] if order.unanswered else []
    expires_ms = expires_at_ms(order, waits)
    if expires_ms is not None:
        times.append(expires_ms if expires_ms > since_ms else again_ms)
    return min(times, default=None)


def due(order: Order, waits: Waits, since_ms: int, rung: int, now_ms: int) -> Due:
    """What is to be said now, at a time that `next_look_ms` named."""
    expires_ms = expires_at_ms(order, waits)
    return Due(
        deadline_ms=expires_ms if expires_ms is not None and expires_ms <= now_ms else None,
        reminder=bool(order.unanswered) and since_ms + _pause_ms(waits, rung) <= now_ms,
    )


def _pause_ms(waits: Waits, rung: int) -> int:
    return min(waits.remind_first_ms << min(rung, 30), waits.remind_longest_ms)
