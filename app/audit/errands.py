"""Payments and shipments: what their orders asked of them, what their rows say, and what the orders were told.

How a call outside ended stands in no message of their own topics, so their rows can't be made from them alone. But a
row's furthest want and its amount come from the commands, and its state must be the one that the order was told.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from faust import Record

from app import topics
from app.adapters.kafka_log import Committed, LogRecord, Span
from app.audit.books import PAYMENTS, SHIPMENTS, Book, Kept, Table
from app.audit.orders import Orders
from app.audit.replay import HasLeft
from app.audit.report import Kind, Report
from app.audit.turns import Turns
from app.delivery import Refused, Row
from app.domain import payment, shipment
from app.domain.order import PAYMENT, SHIPMENT, Order
from app.participants import payments, shipping
from app.participants.reading import read
from schemas.codec import Decoder
from schemas.commands import AuthorizePayment, BookShipment

_SEND_AGAIN: Final = "Send the order's last command again to {topic} with the order's id as key"


class Asked(NamedTuple):
    """What an order asked of an errand: the furthest want, the furthest of those committed (-1: none), how it began.

    `last` is the offset of the last command.
    """

    want: int
    due: int
    first: Record
    last: int


@dataclass(frozen=True, slots=True)
class Errands:
    """One of the two kinds: where its commands and rows are, and which details a row has of its first command."""

    what: str
    leg: str
    topic: str
    table: Table
    decode: Decoder[Any]
    wants: Mapping[type[Record], Any]
    ranks: tuple[Any, ...]
    errand: Callable[[Row], Any]
    told: Callable[[Order], Any]
    details: Callable[[Any], tuple[Any, ...]]


PAYMENT_ERRANDS: Final = Errands(
    what="payment",
    leg=PAYMENT,
    topic=topics.PAYMENTS,
    table=PAYMENTS,
    decode=topics.read_payment_command,
    wants=payments.WANTS,
    ranks=payment.RULES.wants,
    errand=lambda row: row.payment,
    told=lambda order: order.payment.status,
    details=lambda it: (it.amount_minor, it.currency, it.method),
)
SHIPMENT_ERRANDS: Final = Errands(
    what="shipment",
    leg=SHIPMENT,
    topic=topics.SHIPPING,
    table=SHIPMENTS,
    decode=topics.read_shipment_command,
    wants=shipping.WANTS,
    ranks=shipment.RULES.wants,
    errand=lambda row: row.shipment,
    told=lambda order: order.shipment.status,
    details=lambda it: (it.items, it.address),
)


def ask(
    kind: Errands, asked: dict[str, Asked], records: Iterable[LogRecord], committed: Committed, turns: Turns
) -> list[tuple[str, Record, LogRecord]]:
    """Note the commands in these records; returns them with their orders. What would be refused is left out.

    Those that failed, wait or were dropped are returned, but they asked for nothing.
    """
    commands = []
    for record in records:
        taken = turns.take({}, record) is not None
        try:
            command = read(kind.decode, record, "order_id")
        except Refused:
            continue
        if type(command) not in kind.wants:
            continue  # it asks nothing of the errand: its order is over
        rank = kind.ranks.index(kind.wants[type(command)])
        before = asked.get(command.order_id)
        if before is None and 0 < rank < len(kind.ranks) - 1:
            continue
        commands.append((command.order_id, command, record))
        if not taken:
            continue
        due = rank if record.offset < committed.get((record.topic, record.partition), 0) else -1
        asked[command.order_id] = Asked(
            max(rank, before.want if before else rank),
            max(due, before.due if before else due),
            before.first if before else command,
            record.offset,
        )
    return commands


def judge(
    kind: Errands,
    asked: Mapping[str, Asked],
    book: Book,
    orders: Orders,
    report: Report,
    has_left: HasLeft,
    spans: Mapping[int, Span],
) -> None:
    """Report where the rows are not what was asked for, or not what the orders were told.

    What an order of which it `has_left` its table held may have left, too. What began before the log of the commands,
    which is in `spans`, was asked for by one that is gone.
    """
    for order_id, kept in book.items():
        if kept.row is None or order_id not in orders.judged or kept.row.opened_at < spans[kept.partition].low:
            continue
        found = asked.get(order_id)
        if found is None:
            _says(kind, report, Kind.ROW_WITHOUT_CAUSE, order_id, f"nobody asked for a {kind.what}")
        else:
            _judge_row(kind, order_id, kept, found, report)
    for order_id, wanted in asked.items():
        row = orders.judged.get(order_id)
        if wanted.due >= 0 and order_id not in book and row is not None and not has_left(row):
            _says(kind, report, Kind.ROW_MISSING, order_id, "its command is committed, but there is no row")
    for order_id in orders.settled:
        row = orders.judged[order_id]
        if order_id in book or not has_left(row):
            _judge_told(kind, order_id, row.order, book.get(order_id), report)


def _judge_row(kind: Errands, order_id: str, kept: Kept, asked: Asked, report: Report) -> None:
    errand = kind.errand(kept.row)
    rank = kind.ranks.index(errand.want)
    if rank > asked.want:
        _says(kind, report, Kind.ROW_WITHOUT_CAUSE, order_id, f"nobody asked to {errand.want}")
    if rank < asked.due:
        missed = kind.ranks[asked.due]
        _says(kind, report, Kind.ROW_MISSING, order_id, f"{missed} is committed, but the row wants {errand.want}")
    if isinstance(asked.first, AuthorizePayment | BookShipment):
        ordered, noted = kind.details(asked.first), kind.details(kept.row)
        if ordered != noted:
            _says(kind, report, Kind.ROW_DIFFERS, order_id, f"the row says {noted}, the command said {ordered}")


def _judge_told(kind: Errands, order_id: str, order: Order, kept: Kept | None, report: Report) -> None:
    told = kind.told(order)
    if kept is None or kept.row is None:
        if kept is None and told != "NONE":
            _says(kind, report, Kind.LEG_DISAGREES, order_id, f"the order was told {told}, and there is no row")
        return
    errand = kind.errand(kept.row)
    if errand.pending is not None:
        operation = errand.pending.operation
        _says(kind, report, Kind.LEG_DISAGREES, order_id, f"the order is at rest, and {operation} is still under way")
    elif errand.status != told:
        _says(kind, report, Kind.LEG_DISAGREES, order_id, f"it is {errand.status}, and the order was told {told}")


def _says(kind: Errands, report: Report, what: Kind, order_id: str, detail: str) -> None:
    report.add(what, f"{kind.what} of {order_id}", detail, _SEND_AGAIN.format(topic=kind.topic), orders=(order_id,))
