"""Faults planted on purpose, one rule taken away by each: the simulator must find every one of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final, TypeAlias
from unittest.mock import patch

from app import topics
from app.delivery.contract import Effects
from app.delivery.forgetting import Leaving
from app.domain import legs, retention, saga, stock
from app.domain.legs import Trigger
from app.domain.order import Order, State
from app.domain.signals import Signal
from app.domain.stock import LineDecision, LineStatus, Reservation, Stock
from app.domain.value import replace
from schemas.rows import StockRow
from tests.model.simulator import worker
from tests.model.simulator.broker import Broker, Entry, Gone, changelog
from tests.model.simulator.forgetting import Forgetting
from tests.model.simulator.roles import ROLES, Role
from tests.model.simulator.slices import Chain, Place, Range, Slice
from tests.model.simulator.system import System
from tests.model.simulator.worker import Worker

Fault: TypeAlias = Callable[[], AbstractContextManager[Any]]

_decide, _replay, _note = saga.decide, saga._replay, legs.note
_reserve, _settle, _unhold = stock.reserve, stock._settle, stock._unhold
_send, _decide_one, _call = Worker._send, Worker._decide, System._call


def replays_are_silent() -> AbstractContextManager[Any]:
    """A replayed message sends nothing again: what died with the worker is lost."""

    def replay(order: Order, signal: Signal, offset: int) -> saga.Decision:
        return saga.Decision(refusal=_replay(order, signal, offset).refusal)

    return patch.object(saga, "_replay", replay)


def replays_are_decided_again() -> AbstractContextManager[Any]:
    """The row does not know what it has applied."""

    def decide(order: Order | None, signal: Signal, offset: int, at_ms: int = 0) -> saga.Decision:
        return _decide(replace(order, applied=-1) if order else None, signal, offset, at_ms)

    return patch.object(saga, "decide", decide)


def refusals_are_not_repeated() -> AbstractContextManager[Any]:
    """A replayed refusal is taken for a message that was applied."""

    def decide(order: Order | None, signal: Signal, offset: int, at_ms: int = 0) -> saga.Decision:
        decided = _decide(order, signal, offset, at_ms)
        return saga.Decision() if order and offset <= order.applied and decided.refusal else decided

    return patch.object(saga, "decide", decide)


def no_release_when_undone() -> AbstractContextManager[Any]:
    """The money goes back, the stock stays held."""

    def money_only(order: Order) -> legs.Wants:
        return tuple(want for want in legs.give_back(order) if not want[0].startswith("line:"))

    return patch.dict(saga.ON_ARRIVAL, {State.UNDOING: money_only})


def late_grants_are_kept() -> AbstractContextManager[Any]:
    """Stock that is granted after its order gave up is not given back."""
    return patch.object(legs, "note", lambda order, told: (_note(order, told)[0], (), ()))


def late_grants_are_given_back_untracked() -> AbstractContextManager[Any]:
    """The release of a late grant is sent once, and not waited for."""

    def note(order: Order, told: Any) -> tuple[Order, legs.Wants, legs.Wants]:
        after, tracked, untracked = _note(order, told)
        return after, (), tracked + untracked

    return patch.object(legs, "note", note)


def goods_leave_before_the_money_is_taken() -> AbstractContextManager[Any]:
    """Stock is committed at once when the shipment is booked."""
    return patch.dict(saga.STEPS, {(State.BOOKING, Trigger.BOOKED): State.COMMITTING})


def a_double_counts_twice() -> AbstractContextManager[Any]:
    """A second reserve of the same order holds the pieces again."""

    def reserve(counters: Stock | None, held: Reservation | None, quantity: int, offset: int) -> LineDecision:
        return _reserve(counters, None if held and held.status is LineStatus.RESERVED else held, quantity, offset)

    return patch.object(stock, "reserve", reserve)


def a_replayed_reserve_is_granted() -> AbstractContextManager[Any]:
    """A replay of a rejected reserve is decided by what is there now."""

    def reserve(counters: Stock | None, held: Reservation | None, quantity: int, offset: int) -> LineDecision:
        fresh = replace(counters, applied=-1) if counters and held is None else counters
        return _reserve(fresh, held, quantity, offset)

    return patch.object(stock, "reserve", reserve)


def one_offset_for_both_phases() -> AbstractContextManager[Any]:
    """A reservation remembers only the message that changed it last."""

    def settle(counters: Stock | None, held: Reservation, to: LineStatus, offset: int) -> LineDecision:
        decided = _settle(counters, held, to, offset)
        kept = decided.reservation
        return replace(decided, reservation=replace(kept, reserved_at=offset)) if kept else decided

    return patch.object(stock, "_settle", settle)


def nothing_is_finished() -> AbstractContextManager[Any]:
    """Counters that a crash left behind their reservations stay behind."""

    def reserve(counters: Stock | None, held: Reservation | None, quantity: int, offset: int) -> LineDecision:
        return LineDecision(held.status) if held else _reserve(counters, held, quantity, offset)

    return patch.object(stock, "reserve", reserve)


def counters_are_written_first() -> AbstractContextManager[Any]:
    """The sum stands in the changelog before what it sums up."""

    def send(self: Worker, topic: str, made: Slice, draft: dict[tuple[int, str], Any], effects: list[Effects]) -> None:
        _send(self, topic, made, dict(sorted(draft.items(), key=lambda row: "/" in row[0][1])), effects)

    return patch.object(Worker, "_send", send)


def acknowledged_before_it_is_sent() -> AbstractContextManager[Any]:
    """A slice is safe as soon as it is decided."""

    def send(self: Worker, topic: str, made: Slice, draft: dict[tuple[int, str], Any], effects: list[Effects]) -> None:
        _send(self, topic, made, draft, effects)
        for taken in made.ranges:
            taken.safe = True

    return patch.object(Worker, "_send", send)


def _done(taken: Range) -> bool:
    return taken.safe and not taken.holds


def acknowledged_past_a_hole() -> AbstractContextManager[Any]:
    """The last safe offset is committed, whatever lies before it."""

    def commit(self: Worker, place: Place) -> None:
        done = [taken for taken in self.ranges[place] if _done(taken)]
        self.broker.committed[place] = max([self.broker.committed[place], *(taken.last + 1 for taken in done)])
        self.ranges[place] = deque[Range](taken for taken in self.ranges[place] if taken not in done)

    return patch.multiple(Worker, commit=commit, can_commit=lambda self, place: any(map(_done, self.ranges[place])))


def calls_hold_nothing() -> AbstractContextManager[Any]:
    """What started a call is committed before the call has ended."""
    return patch.object(Chain, "hold", lambda self, ranges: None)


def called_before_the_intent_is_safe() -> AbstractContextManager[Any]:
    """A call is made as soon as it is decided."""

    def send(self: Worker, topic: str, made: Slice, draft: dict[tuple[int, str], Any], effects: list[Effects]) -> None:
        _send(self, topic, made, draft, effects)
        for at, ranges in made.keys.items():
            if at not in self.chains:
                self._start(*at, ranges)

    return patch.object(Worker, "_send", send)


def a_lost_answer_is_a_no() -> AbstractContextManager[Any]:
    """What is not known to have gone well is taken for refused."""

    def call(self: System, worker: Worker, chain: Chain) -> None:
        pending = chain.pending
        ok = self.outside.call(chain.key, pending.operation.value, pending.at, pending.key)
        worker.settle(chain, ok and self.random.random() >= self.plan.lose_answer)

    return patch.object(System, "_call", call)


def the_gateway_is_chosen_again() -> AbstractContextManager[Any]:
    """A call that is made again goes where a new one would go."""

    def call(self: System, worker: Worker, chain: Chain) -> None:
        chain.pending = replace(chain.pending, at=worker.name)
        _call(self, worker, chain)

    return patch.object(System, "_call", call)


def stock_is_told_once() -> AbstractContextManager[Any]:
    """A product is told with the change of its counters only: what a crash kept without its fact is never told."""

    def decide(self: Worker, role: Role, place: Place, entry: Entry, draft: dict[tuple[int, str], Any]) -> Effects:
        effects = _decide_one(self, role, place, entry, draft)
        if any(isinstance(row, StockRow) for _, row in effects.rows):
            return effects
        return Effects(effects.rows, [it for it in effects.sends if it.topic != topics.INVENTORY_EVENTS])

    return patch.object(Worker, "_decide", decide)


def doubles_get_no_answer() -> AbstractContextManager[Any]:
    """A participant that has nothing to change says nothing."""

    def decide(self: Worker, role: Role, place: Place, entry: Entry, draft: dict[tuple[int, str], Any]) -> Effects:
        effects = _decide_one(self, role, place, entry, draft)
        return effects if effects.rows or b"dead-letter" in b"".join(it.value for it in effects.sends) else Effects()

    return patch.object(Worker, "_decide", decide)


def the_last_row_wins() -> AbstractContextManager[Any]:
    """What a paused worker wrote behind its successor's back takes its rows back."""

    def restored(broker: Broker, place: Place) -> dict[str, Any]:
        last = dict(broker.rows[changelog(place[0]), place[1]])
        return {key: row for key, row in last.items() if not isinstance(row, Gone)}

    return patch.object(worker, "restored", restored)


def healed_before_it_is_decided() -> AbstractContextManager[Any]:
    """An owner that is not as far as a paused worker was takes its rows away, and leaves the sum over them."""
    return patch.object(Worker, "may_heal", lambda self, place: True)


def forgotten_by_what_changed_it() -> AbstractContextManager[Any]:
    """A row leaves when the last message that changed it is committed; a later one, which did not, is read again."""

    def may_leave(self: Worker, place: Place) -> bool:
        rows, version = self.rows[place], ROLES[place[0]].version
        noted = self.leaves[place].leaving.still(rows, self.leaves[place].leaving.keys)
        applied = max((version(row) for row in noted.values()), default=-1)
        return place[0] not in (topics.ORDERS, topics.INVENTORY) or self.broker.committed[place] > applied

    return patch.object(Worker, "may_leave", may_leave)


def forgotten_without_asking_the_commit() -> AbstractContextManager[Any]:
    """A row leaves as soon as it is over."""
    return patch.object(Worker, "may_leave", lambda self, place: True)


def forgotten_though_it_was_looked_up() -> AbstractContextManager[Any]:
    """A message that comes while a row is on its way out does not keep it."""
    return patch.object(Leaving, "looked_up", lambda self, key: None)


def forgotten_with_something_unanswered() -> AbstractContextManager[Any]:
    """An order is over as soon as it can't turn back."""
    return patch.object(retention, "order_is_over", lambda order: order.state not in saga.CAN_TURN_BACK)


def forgotten_before_its_farewell_is_safe() -> AbstractContextManager[Any]:
    """An order leaves with what it has to say to its legs."""
    return patch.object(Forgetting, "is_said", staticmethod(lambda farewell: True))


def forgotten_before_mongodb_has_it() -> AbstractContextManager[Any]:
    """An order leaves whether it can still be read or not."""
    return patch.object(Forgetting, "kept", lambda self, place, rows: list(rows))


FAULTS: Final[tuple[Fault, ...]] = (
    replays_are_silent,
    replays_are_decided_again,
    refusals_are_not_repeated,
    no_release_when_undone,
    late_grants_are_kept,
    late_grants_are_given_back_untracked,
    goods_leave_before_the_money_is_taken,
    a_double_counts_twice,
    a_replayed_reserve_is_granted,
    one_offset_for_both_phases,
    nothing_is_finished,
    counters_are_written_first,
    acknowledged_before_it_is_sent,
    acknowledged_past_a_hole,
    calls_hold_nothing,
    called_before_the_intent_is_safe,
    a_lost_answer_is_a_no,
    the_gateway_is_chosen_again,
    stock_is_told_once,
    doubles_get_no_answer,
    the_last_row_wins,
    healed_before_it_is_decided,
    forgotten_by_what_changed_it,
    forgotten_without_asking_the_commit,
    forgotten_though_it_was_looked_up,
    forgotten_with_something_unanswered,
    forgotten_before_its_farewell_is_safe,
    forgotten_before_mongodb_has_it,
)
