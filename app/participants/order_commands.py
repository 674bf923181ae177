"""How a command is made from the order: its payload, its topic and its key. Which command, the saga decides."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from faust import Record

from app import topics
from app.delivery import Send
from app.domain.order import Line, Verb, line_leg
from app.domain.saga import Command
from schemas.codec import encode
from schemas.commands import (
    AuthorizePayment,
    BookShipment,
    CallOffShipment,
    CapturePayment,
    CommitStock,
    ReleaseStock,
    ReserveStock,
    ReversePayment,
)
from schemas.rows import OrderRow


def command_sends(order_id: str, row: OrderRow | None, commands: Iterable[Command]) -> list[Send]:
    """The commands as records to send. `row` is None for an order that is not known, which can only give back stock."""
    if row is None:
        return [_to_product(ReleaseStock(order_id, _product(it.leg))) for it in commands]
    lines = {line_leg(line.product_id): line for line in row.order.lines}
    sends = []
    for command in commands:
        line = lines.get(command.leg)
        if line is not None:
            sends.append(_to_product(_TO_PRODUCT[command.verb](order_id, line)))
        elif command.verb in _TO_ORDER_LEG:
            topic, make = _TO_ORDER_LEG[command.verb]
            sends.append(Send(topic, order_id.encode(), encode(make(row))))
        else:
            sends.append(_to_product(ReleaseStock(order_id, _product(command.leg))))
    return sends


def _product(leg: str) -> str:
    return leg.removeprefix(line_leg(""))


def _to_product(command: ReserveStock | ReleaseStock | CommitStock) -> Send:
    return Send(topics.INVENTORY, command.product_id.encode(), encode(command))


_TO_PRODUCT: Final[dict[Verb, Callable[[str, Line], ReserveStock | ReleaseStock | CommitStock]]] = {
    Verb.RESERVE: lambda order_id, line: ReserveStock(order_id, line.product_id, quantity=line.quantity),
    Verb.RELEASE: lambda order_id, line: ReleaseStock(order_id, line.product_id),
    Verb.COMMIT: lambda order_id, line: CommitStock(order_id, line.product_id),
}


def _authorize(row: OrderRow) -> Record:
    return AuthorizePayment(row.order_id, row.order.total_minor, row.order.currency, method=row.method)


def _book(row: OrderRow) -> Record:
    items = tuple((line.product_id, line.quantity) for line in row.order.lines)
    return BookShipment(row.order_id, items, address=row.address, carrier=row.carrier)


_TO_ORDER_LEG: Final[dict[Verb, tuple[str, Callable[[OrderRow], Record]]]] = {
    Verb.AUTHORIZE: (topics.PAYMENTS, _authorize),
    Verb.CAPTURE: (topics.PAYMENTS, lambda row: CapturePayment(row.order_id)),
    Verb.REVERSE: (topics.PAYMENTS, lambda row: ReversePayment(row.order_id)),
    Verb.BOOK: (topics.SHIPPING, _book),
    Verb.CALL_OFF: (topics.SHIPPING, lambda row: CallOffShipment(row.order_id)),
}
