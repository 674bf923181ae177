"""Breadth first through every state of a world, with what must hold in each, and at each quiet end."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from app.domain import saga
from app.domain.order import PAYMENT, SHIPMENT, Order
from app.domain.order import State as At
from app.domain.outside import Errand
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.stock import LineStatus
from tests.model.participants import Broken, Shelf
from tests.model.world import Move, Setting, State, World

NO_MONEY: Final = frozenset(
    {None, PaymentStatus.DECLINED, PaymentStatus.VOIDED, PaymentStatus.REFUNDED, PaymentStatus.CLOSED}
)
NOT_TAKEN_BACK: Final = frozenset({PaymentStatus.VOID_FAILED, PaymentStatus.REFUND_FAILED})
NO_SHIPMENT: Final = frozenset({None, ShipmentStatus.REFUSED, ShipmentStatus.CALLED_OFF})
HELD: Final = frozenset({LineStatus.RESERVED, LineStatus.COMMITTED})


class Explored(NamedTuple):
    """How much there was: states, moves between them, and where the order came to rest."""

    states: int
    moves: int
    ends: frozenset[At]


def explore(setting: Setting) -> Explored:
    """Goes everywhere. Raises `Broken` with the shortest story that leads to a broken rule."""
    world = World(setting)
    start = world.start()
    came_from: dict[State, tuple[State, Move] | None] = {start: None}
    ahead = deque([start])
    checked: set[tuple[int, ...]] = set()
    moves, ends = 0, set()
    state = start
    try:
        while ahead:
            state = ahead.popleft()
            if state.rows not in checked:
                checked.add(state.rows)
                check_always(world, state)
            if is_quiet(world, state):
                ends.add(check_quiet(world, state))
            for move, after in world.moves(state):
                moves += 1
                if after not in came_from:
                    came_from[after] = (state, move)
                    ahead.append(after)
    except Broken as broken:
        raise Broken(story(world, came_from, state, str(broken))) from broken
    return Explored(len(came_from), moves, frozenset(ends))


def status_of(row: object) -> object:
    """How far an errand is; None when nobody asked for it."""
    return row.status if isinstance(row, Errand) else None


def shelves(world: World, state: State) -> list[LineStatus | None]:
    """What each product says of the order's line; None where it knows of none."""
    rows = (world.things[number] for number in state.rows)
    return [row.held.status if row.held else None for row in rows if isinstance(row, Shelf)]


def check_always(world: World, state: State) -> None:
    """What must hold at every moment, whatever is still under way."""
    order = world.order(state)
    lines, paid = shelves(world, state), status_of(world.row(state, PAYMENT))
    if order.state in (At.COMMITTING, At.SHIPPED):
        demand(paid is PaymentStatus.CAPTURED, f"it ships, and the payment is {paid}")
        demand(all(line in HELD for line in lines), f"it ships, and the stock is {lines}")
    if order.state is At.SHIPPED and saga.at_rest(order):
        demand(all(line is LineStatus.COMMITTED for line in lines), f"it has shipped, and the stock is {lines}")
    if order.state in (At.REJECTED, At.CANCELLED):
        demand(paid in NO_MONEY, f"it is {order.state}, and the payment is {paid}")
    demand(len({it.leg for it in order.unanswered}) == len(order.unanswered), "a leg waits for two answers")


def is_quiet(world: World, state: State) -> bool:
    """Whether nothing more happens unless somebody outside does something."""
    under_way = any(state.to) or any(state.back) or bool(state.late)
    calling = any(getattr(world.row(state, name), "pending", None) for name in (PAYMENT, SHIPMENT))
    return not under_way and not calling


def check_quiet(world: World, state: State) -> At:
    """What must hold when all is quiet: the order is at rest or waits for a person, and all it held is settled."""
    order = world.order(state)
    lines, paid = shelves(world, state), status_of(world.row(state, PAYMENT))
    shipped = status_of(world.row(state, SHIPMENT))
    if order.state in (At.AWAIT_PAY, At.AWAIT_SHIP):
        demand(world.setting.manual, "it waits for a person that nobody asked for")
        demand(all(line is LineStatus.RESERVED for line in lines), f"it waits, and the stock is {lines}")
        return order.state
    demand(saga.at_rest(order), f"all is quiet, and the order is not at rest: {short(order)}")
    if order.state is At.SHIPPED:
        demand(shipped is ShipmentStatus.BOOKED, f"it has shipped, and the shipment is {shipped}")
    elif order.state is At.NEEDS_ATTENTION and shipped is ShipmentStatus.LEFT:
        demand(all(line is LineStatus.COMMITTED for line in lines), f"it has left, and the stock is {lines}")
    else:
        demand(not HELD & set(lines), f"it is {order.state}, and the stock is {lines}")
        demand(shipped in NO_SHIPMENT, f"it is {order.state}, and the shipment is {shipped}")
        money = NOT_TAKEN_BACK if order.state is At.NEEDS_ATTENTION else NO_MONEY
        demand(paid in money, f"it is {order.state}, and the payment is {paid}")
    return order.state


def demand(holds: bool, otherwise: str) -> None:
    """Raises `Broken` unless it holds."""
    if not holds:
        raise Broken(otherwise)


def short(order: Order) -> str:
    """The order in a few words."""
    waits = ", ".join(f"{it.leg} {it.verb}" for it in order.unanswered)
    return f"{order.state}, waiting for {waits or 'nothing'}"


def story(world: World, came_from: dict[State, tuple[State, Move] | None], end: State, why: str) -> str:
    """The shortest way there, one line a move."""
    lines: list[str] = []
    state = end
    while (step := came_from[state]) is not None:
        before, move = step
        lines.append(f"{world.tell(move):<60} order: {short(world.order(state))}")
        state = before
    lines.append(f"{'placed':<60} order: {short(world.order(state))}")
    return "\n".join([*reversed(lines), f"then: {why}"])
