"""A world of one order that is explored to its end: every order of messages, doubles, cancels, deadlines, refusals.

A state is a tuple of numbers: each row and each message is kept once in a catalogue, and what a participant makes of a
message is decided once. Between two participants messages keep their order, as in a partition; between different ones
they keep none. A double, and a command sent again by a timer, may come at any later moment, past all others.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain import legs
from app.domain.order import Line, Order
from app.domain.signals import Ask, Asked, DeadlinePassed, LegStalled, Placed
from app.domain.stock import Stock
from tests.model.participants import Answer, Message, Participant, Shelf, Supply, participants


@dataclass(frozen=True)
class Setting:
    """What one exploration may do. Times are how often at most; stock is None for a product that does not exist."""

    stock: Mapping[str, int | None]
    quantities: Mapping[str, int]
    doubles: int = 0
    cancels: int = 0
    deadlines: int = 0
    supplies: int = 0
    stalls: int = 0
    manual: bool = False


class State(NamedTuple):
    """All in numbers of the catalogue; the tuples follow the order of the participants' names."""

    rows: tuple[int, ...]
    to: tuple[tuple[int, ...], ...]
    back: tuple[tuple[int, ...], ...]
    late: tuple[tuple[int, int], ...]
    left: tuple[int, int, int, int, int, int, int]


class Move(NamedTuple):
    """Who is told what, and how it came."""

    who: int
    message: int
    how: str


@dataclass
class World:
    """Makes the moves of one setting."""

    setting: Setting
    things: list[Hashable] = field(default_factory=list)
    numbers: dict[Hashable, int] = field(default_factory=dict)
    steps: dict[tuple[int, int, int], tuple[int, tuple[tuple[int, int], ...]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        by_name: dict[str, Participant] = participants(self.setting.quantities)
        self.names = list(by_name)
        self.handlers = list(by_name.values())

    def number(self, thing: Hashable) -> int:
        """The number of a row or message; equal things have one."""
        key = (type(thing), thing)
        if key not in self.numbers:
            self.numbers[key] = len(self.things)
            self.things.append(thing)
        return self.numbers[key]

    def row(self, state: State, name: str) -> object:
        """The row of a participant."""
        return self.things[state.rows[self.names.index(name)]]

    def order(self, state: State) -> Order:
        """The order's row."""
        row = self.things[state.rows[0]]
        assert isinstance(row, Order)
        return row

    def start(self) -> State:
        """The order has just been placed."""
        chosen = self.setting
        rows: dict[str, Hashable] = dict.fromkeys(self.names)
        for product_id, on_hand in chosen.stock.items():
            counters = None if on_hand is None else Stock(on_hand, 0, 0)
            rows[f"line:{product_id}"] = Shelf(counters, None, on_hand or 0)
        nobody: tuple[tuple[int, ...], ...] = ((),) * len(self.names)
        people = 1 if chosen.manual else 0
        left = (chosen.doubles, chosen.cancels, chosen.deadlines, chosen.supplies, people, people, chosen.stalls)
        empty = State(tuple(self.number(rows[name]) for name in self.names), nobody, nobody, (), left)
        lines = tuple(Line(name, pieces) for name, pieces in chosen.quantities.items())
        placed = Placed(lines, "f", chosen.manual, chosen.manual)
        return self.told(empty, 0, self.number(placed))

    def told(self, state: State, who: int, message: int) -> State:
        """The state after a participant was told something. Raises `Broken`."""
        row, sends = self.step(who, state.rows[who], message)
        rows = (*state.rows[:who], row, *state.rows[who + 1 :])
        to, back = state.to, state.back
        for receiver, sent in sends:
            if receiver == 0:
                back = (*back[:who], (*back[who], sent), *back[who + 1 :])
            else:
                to = (*to[:receiver], (*to[receiver], sent), *to[receiver + 1 :])
        return State(rows, to, back, state.late, state.left)

    def step(self, who: int, row: int, message: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """What a participant makes of a message, decided once."""
        known = self.steps.get((who, row, message))
        if known is None:
            told: Message = self.things[message]  # type: ignore[assignment]
            after = self.handlers[who](self.things[row], told)
            sends = tuple((self.names.index(name), self.number(it)) for name, it in after.sends)
            assert after.row is None or isinstance(after.row, Hashable)
            known = self.steps[who, row, message] = (self.number(after.row), sends)
        return known

    def moves(self, state: State) -> Iterator[tuple[Move, State]]:
        """Everything that can happen next, with the state it leaves. A `Broken` move raises where it is made."""
        yield from self._deliveries(state)
        yield from self._late(state)
        yield from self._answers(state)
        yield from self._chances(state)

    def _deliveries(self, state: State) -> Iterator[tuple[Move, State]]:
        for who in range(1, len(self.names)):
            if state.to[who]:
                message, *rest = state.to[who]
                yield from self._delivered(state, state._replace(to=_with(state.to, who, rest)), who, message)
            if state.back[who]:
                message, *rest = state.back[who]
                yield from self._delivered(state, state._replace(back=_with(state.back, who, rest)), 0, message)

    def _delivered(self, state: State, taken: State, who: int, message: int) -> Iterator[tuple[Move, State]]:
        yield Move(who, message, ""), self.told(taken, who, message)
        if state.left[0]:
            kept = _delayed(taken._replace(left=_spent(state.left, 0)), who, message)
            yield Move(who, message, "and a copy stays behind"), self.told(kept, who, message)

    def _late(self, state: State) -> Iterator[tuple[Move, State]]:
        for n, (who, message) in enumerate(state.late):
            if n and state.late[n - 1] == state.late[n]:
                continue
            before = state._replace(late=state.late[:n] + state.late[n + 1 :])
            yield Move(who, message, "late"), self.told(before, who, message)

    def _answers(self, state: State) -> Iterator[tuple[Move, State]]:
        for who in (len(self.names) - 2, len(self.names) - 1):
            if getattr(self.things[state.rows[who]], "pending", None) is not None:
                for answer in Answer:
                    message = self.number(answer)
                    yield Move(who, message, "from outside"), self.told(state, who, message)

    def _chances(self, state: State) -> Iterator[tuple[Move, State]]:
        doubles, cancels, deadlines, supplies, pays, ships, stalls = state.left
        version = self.order(state).version
        for nth, left, said in (
            (1, cancels, Asked(Ask.CANCEL, "changed my mind")),
            (4, pays, Asked(Ask.PAY)),
            (5, ships, Asked(Ask.SHIP)),
        ):
            if left:
                message = self.number(said)
                yield Move(0, message, ""), self.told(state._replace(left=_spent(state.left, nth)), 0, message)
        if deadlines:
            message = self.number(DeadlinePassed(version))
            spent = state._replace(left=_spent(state.left, 2))
            yield Move(0, message, ""), self.told(spent, 0, message)
            yield Move(0, message, "is sent, and under way"), _delayed(spent, 0, message)
        if supplies:
            message, spent = self.number(Supply.TWO_PIECES), state._replace(left=_spent(state.left, 3))
            yield Move(1, message, ""), self.told(spent, 1, message)
        if stalls:
            for who in (len(self.names) - 2, len(self.names) - 1):
                pending = getattr(self.things[state.rows[who]], "pending", None)
                if pending is not None:
                    message, spent = self.number(LegStalled(*legs.SERVES[pending.operation])), _spent(state.left, 6)
                    yield Move(0, message, "is sent, and under way"), _delayed(state._replace(left=spent), 0, message)
        if doubles:
            for waiting in self.order(state).unanswered:
                who, again = self.names.index(waiting.leg), self.number(waiting.verb)
                sent = _delayed(state._replace(left=_spent(state.left, 0)), who, again)
                yield Move(who, again, "is sent again"), sent

    def tell(self, move: Move) -> str:
        """One line of a story."""
        return " ".join(f"{self.names[move.who]} <- {_spoken(self.things[move.message])} {move.how}".split())


def _with(queues: tuple[tuple[int, ...], ...], who: int, queue: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    return (*queues[:who], tuple(queue), *queues[who + 1 :])


def _delayed(state: State, who: int, message: int) -> State:
    return state._replace(late=tuple(sorted((*state.late, (who, message)))))


def _spent(left: tuple[int, ...], nth: int) -> tuple[int, int, int, int, int, int, int]:
    spent = list(left)
    spent[nth] -= 1
    doubles, cancels, deadlines, supplies, pays, ships, stalls = spent
    return doubles, cancels, deadlines, supplies, pays, ships, stalls


def _spoken(thing: object) -> str:
    told = getattr(thing, "payment", None) or getattr(thing, "shipment", None)
    if told is not None:
        return f"{type(told).__name__.removesuffix('View').upper()} {told.status}"
    if hasattr(thing, "product_id"):
        return f"{thing.product_id} {getattr(thing, 'status', '')}"
    if isinstance(thing, Asked):
        return f"the customer says {thing.what}"
    if isinstance(thing, DeadlinePassed):
        return f"deadline of version {thing.version}"
    if isinstance(thing, LegStalled):
        return f"{thing.leg} {thing.verb} is stalled"
    return thing.name if isinstance(thing, Answer) else str(thing)
