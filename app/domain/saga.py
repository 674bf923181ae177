"""The saga of an order, on one screen: where it goes from each state, what it asks on arriving, what the public sees.

`decide` is total: whatever comes, in whatever state, is a step of the table, a late double that changes nothing, or a
refusal. How an answer is noted in the order, and what the order then calls for, stands in `app.domain.legs`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from app.domain import legs
from app.domain.legs import Trigger as T
from app.domain.order import Change, Order, Reason, State, Status, Unanswered, Verb, line_leg
from app.domain.order import State as S
from app.domain.signals import Ask, Asked, DeadlinePassed, LegStalled, LineTold, Placed, Signal
from app.domain.stock import LineStatus
from app.domain.value import Value, replace

CAN_TURN_BACK: Final = (
    S.RESERVING, S.AWAIT_PAY, S.AUTHORIZING, S.AWAIT_SHIP, S.BOOKING, S.CAPTURING,
)  # fmt: skip

STEPS: Final[dict[tuple[State, T], State]] = {
    # forwards
    (S.RESERVING, T.ALL_RESERVED): S.AWAIT_PAY,
    (S.AWAIT_PAY, T.PAY): S.AUTHORIZING,
    (S.AUTHORIZING, T.AUTHORIZED): S.AWAIT_SHIP,
    (S.AWAIT_SHIP, T.SHIP): S.BOOKING,
    (S.BOOKING, T.BOOKED): S.CAPTURING,
    # the money before the goods: a failed capture must not leave committed goods
    (S.CAPTURING, T.CAPTURED): S.COMMITTING,
    (S.COMMITTING, T.ALL_COMMITTED): S.SHIPPED,
    # back: every failure joins one tail
    (S.RESERVING, T.LINE_REJECTED): S.CALLING_OFF,
    (S.RESERVING, T.NOT_PAYABLE): S.CALLING_OFF,
    (S.AUTHORIZING, T.DECLINED): S.CALLING_OFF,
    (S.BOOKING, T.SHIPPING_REFUSED): S.CALLING_OFF,
    (S.CAPTURING, T.CAPTURE_FAILED): S.CALLING_OFF,
    **{(state, T.STALLED): S.CALLING_OFF for state in (S.AUTHORIZING, S.BOOKING, S.CAPTURING)},
    **{(state, trigger): S.CALLING_OFF for state in CAN_TURN_BACK for trigger in (T.CANCEL, T.DEADLINE)},
    (S.CALLING_OFF, T.CALLED_OFF): S.UNDOING,
    (S.CALLING_OFF, T.HAS_LEFT): S.LEFT,
    (S.UNDOING, T.UNDONE_REJECTED): S.REJECTED,
    (S.UNDOING, T.UNDONE_CANCELLED): S.CANCELLED,
    (S.UNDOING, T.NOT_UNDONE): S.NEEDS_ATTENTION,
    (S.LEFT, T.ALL_COMMITTED): S.NEEDS_ATTENTION,
}

ON_ARRIVAL: Final[dict[State, Callable[[Order], legs.Wants]]] = {
    S.RESERVING: legs.reserve_lines,
    S.AUTHORIZING: legs.authorize,
    S.BOOKING: legs.book,
    S.CAPTURING: legs.capture,
    S.COMMITTING: legs.commit_lines,
    S.CALLING_OFF: legs.call_off,
    S.UNDOING: legs.give_back,
    S.LEFT: legs.commit_lines,  # the goods are gone, the money stays where it is: a person must look
}

STATUS: Final[dict[State, Status]] = {
    S.RESERVING: Status.PENDING,
    S.AWAIT_PAY: Status.AWAITING_PAYMENT,
    S.AUTHORIZING: Status.RESERVED,
    S.AWAIT_SHIP: Status.AWAITING_SHIPMENT,
    S.BOOKING: Status.PAID,
    S.CAPTURING: Status.PAID,
    S.COMMITTING: Status.SHIPPED,
    S.SHIPPED: Status.SHIPPED,
    S.CALLING_OFF: Status.CANCELLING,
    S.UNDOING: Status.CANCELLING,
    S.LEFT: Status.CANCELLING,
    S.REJECTED: Status.REJECTED,
    S.CANCELLED: Status.CANCELLED,
    S.NEEDS_ATTENTION: Status.NEEDS_ATTENTION,
}

ENDS: Final = frozenset({S.SHIPPED, S.REJECTED, S.CANCELLED, S.NEEDS_ATTENTION})

HOW_IT_ENDS: Final[dict[T, tuple[State, Reason | None]]] = {
    T.LINE_REJECTED: (S.REJECTED, None),  # the product says why
    T.NOT_PAYABLE: (S.REJECTED, Reason.PAYMENT_DECLINED),
    T.DECLINED: (S.REJECTED, Reason.PAYMENT_DECLINED),
    T.SHIPPING_REFUSED: (S.REJECTED, Reason.SHIPPING_REFUSED),
    T.CAPTURE_FAILED: (S.REJECTED, Reason.PAYMENT_DECLINED),
    T.DEADLINE: (S.REJECTED, Reason.EXPIRED),
    T.STALLED: (S.REJECTED, Reason.EXPIRED),
    T.CANCEL: (S.CANCELLED, None),  # the customer says why
}


class Command(Value, frozen=True):
    """Something to ask of a leg."""

    leg: str
    verb: Verb


class Decision(Value, frozen=True):
    """What becomes of the order (None: nothing changes), what to send, and which public changes to tell.

    `refusal` says why the message makes no sense; then nothing else is set.
    """

    order: Order | None = None
    commands: tuple[Command, ...] = ()
    changes: tuple[Change, ...] = ()
    refusal: str = ""


def decide(order: Order | None, signal: Signal, offset: int, at_ms: int = 0) -> Decision:
    """What a message does to the order: `offset` is its place in the order's partition, `at_ms` the broker's time."""
    if order is None:
        return _begin(signal, offset, at_ms)
    if isinstance(signal, Placed) and signal.fingerprint != order.fingerprint:
        return Decision(refusal=ID_IS_TAKEN)
    if offset <= order.applied:
        return _replay(order, signal, offset)
    if isinstance(signal, Placed):
        return Decision()
    trigger: T | None = None
    untracked: legs.Wants = ()
    noted = order
    if isinstance(signal, Asked):
        trigger = _ASKED[signal.what]
        if trigger is T.CANCEL and (order.state, trigger) in STEPS:
            noted = replace(order, reason=signal.reason)
    elif isinstance(signal, DeadlinePassed):
        trigger = T.DEADLINE if signal.version == order.version and signal.due_at_ms <= at_ms else None
    elif isinstance(signal, LegStalled):
        trigger = T.STALLED if order.waits_for(signal.leg) is signal.verb else None
    else:
        noted, again, untracked = legs.note(order, signal)
        noted = _ask(noted, again, offset)
    after = _walk(noted, trigger, offset)
    if after == order:
        return Decision(commands=tuple(Command(leg, verb) for leg, verb in untracked))
    return _changed(order, after, Change(offset, order.version + 1, STATUS[after.state], at_ms), untracked)


def at_rest(order: Order) -> bool:
    """Whether nothing more will happen to the order by itself."""
    return order.state in ENDS and not order.unanswered


def can_cancel(order: Order) -> bool:
    """Whether a cancel would still turn the order back."""
    return order.state in CAN_TURN_BACK


ID_IS_TAKEN: Final = "another order has this id"
_NO_SUCH_ORDER: Final = "no such order"
_ASKED: Final = {Ask.PAY: T.PAY, Ask.SHIP: T.SHIP, Ask.CANCEL: T.CANCEL}


def _begin(signal: Signal, offset: int, at_ms: int) -> Decision:
    if isinstance(signal, Placed):
        if not signal.lines or len({line.product_id for line in signal.lines}) < len(signal.lines):
            return Decision(refusal="an order has at least one line, and a product stands once")
        fresh = Order(
            S.RESERVING,
            signal.lines,
            applied=offset,
            fingerprint=signal.fingerprint,
            manual_payment=signal.manual_payment,
            manual_shipping=signal.manual_shipping,
        )
        asking = _ask(fresh, legs.reserve_lines(fresh), offset)
        return _changed(None, asking, Change(offset, 1, STATUS[S.RESERVING], at_ms), ())
    if isinstance(signal, LineTold):  # stock of an order that is forgotten or never was: give it back, remember nothing
        held = signal.status is LineStatus.RESERVED
        return Decision(commands=(Command(line_leg(signal.product_id), Verb.RELEASE),) if held else ())
    return Decision(refusal=_NO_SUCH_ORDER)


def _replay(order: Order, signal: Signal, offset: int) -> Decision:
    """The message was decided before: send again what it left unanswered, tell again what it made public.

    One that came before the order is refused again: the dead letter of the first time may have been lost.
    """
    if offset < order.history[0].offset and not isinstance(signal, Placed | LineTold):
        return Decision(refusal=_NO_SUCH_ORDER)
    commands = tuple(Command(it.leg, it.verb) for it in order.unanswered if it.offset == offset)
    return Decision(None, commands, tuple(it for it in order.history if it.offset == offset))


def _walk(order: Order, trigger: T | None, offset: int) -> Order:
    """Takes every step that the trigger, and then the order as it stands, calls for."""
    trigger = trigger or legs.due(order)
    while trigger is not None and (to := STEPS.get((order.state, trigger))) is not None:
        if trigger in HOW_IT_ENDS:
            outcome, reason = HOW_IT_ENDS[trigger]
            order = replace(order, outcome=outcome, reason=reason.value if reason else order.reason)
        order = replace(order, state=to)
        wants = ON_ARRIVAL.get(to)
        order = _ask(order, wants(order) if wants else (), offset)
        trigger = legs.due(order)
    return order


def _ask(order: Order, wants: legs.Wants, offset: int) -> Order:
    """Notes commands as unanswered; the latest of a leg supersedes, the same one again changes nothing."""
    fresh = {leg: Unanswered(leg, verb, offset) for leg, verb in wants if order.waits_for(leg) is not verb}
    if not fresh:
        return order
    kept = tuple(waiting for waiting in order.unanswered if waiting.leg not in fresh)
    return legs.asked(replace(order, unanswered=kept + tuple(fresh.values())), fresh)


def _changed(before: Order | None, after: Order, change: Change, untracked: legs.Wants) -> Decision:
    """What is new in `after`; `change` is told where the public sees a difference."""
    public = not after.history or after.history[-1].status is not change.status
    after = replace(after, applied=change.offset, history=(*after.history, change) if public else after.history)
    old = frozenset(before.unanswered) if before else frozenset()
    asked = tuple(Command(it.leg, it.verb) for it in after.unanswered if it not in old)
    extra = tuple(Command(leg, verb) for leg, verb in untracked)
    return Decision(after, asked + extra, (change,) if public else ())
