"""Rows of the live tables, gathered from all workers, and how each kind is shown.

A row comes in its wire form: the record's fields as they stand in the changelog, its kind under `__faust`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from app.cli.output import Cell, Column
from app.domain.stock import NEVER

Row = Mapping[str, Any]


class Kept(NamedTuple):
    """A row and the key it stands under."""

    key: str
    row: Row


class Shown(NamedTuple):
    """A column, and what of a row stands in it."""

    column: Column
    read: Callable[[Row], Cell]


@dataclass(frozen=True, slots=True)
class View:
    """How the rows of one kind, the namespace of their records, are shown."""

    kind: str
    title: str
    shown: tuple[Shown, ...]

    @property
    def columns(self) -> tuple[Column, ...]:
        """The heads of the table."""
        return tuple(it.column for it in self.shown)

    def cells(self, row: Row) -> tuple[Cell, ...]:
        """One line of the table."""
        return tuple(it.read(row) for it in self.shown)

    def of(self, rows: Iterable[Kept]) -> list[Row]:
        """Those rows that are of this kind."""
        return [kept.row for kept in rows if kept.row["__faust"]["ns"] == self.kind]


def merged(answers: Iterable[Iterable[Kept]]) -> list[Kept]:
    """The rows of all workers, by key. A key stands once, even when a rebalance lets two workers show it."""
    rows: dict[str, Kept] = {}
    for answer in answers:
        for kept in answer:
            rows.setdefault(kept.key, kept)
    return [rows[key] for key in sorted(rows)]


def _text(title: str, path: str, number: bool = False) -> Shown:
    """The value at `path`, whose steps are parted by dots."""
    steps = path.split(".")

    def read(row: Row) -> Cell:
        value: Any = row
        for step in steps:
            value = None if value is None else value[step]
        cell: Cell = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        return cell

    return Shown(Column(title, number), read)


def _offset(title: str, path: str) -> Shown:
    """An offset, which is missing for what has not happened."""
    column, read = _text(title, path, number=True)
    return Shown(column, lambda row: None if read(row) == NEVER else read(row))


def _number(title: str, path: str) -> Shown:
    return _text(title, path, number=True)


def _moment(title: str, read_ms: Callable[[Row], int]) -> Shown:
    """Milliseconds since 1970, shown as a time in UTC."""

    def read(row: Row) -> Cell:
        at = datetime.fromtimestamp(read_ms(row) / 1000, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")

    return Shown(Column(title), read)


def _lines(row: Row) -> Cell:
    return ", ".join(f"{it['product_id']} x{it['quantity']} {it['status']}" for it in row["order"]["lines"])


def _total_minor(row: Row) -> Cell:
    return sum(int(it["quantity"]) * int(it["unit_price_minor"]) for it in row["order"]["lines"])


def _unanswered(row: Row) -> Cell:
    return ", ".join(f"{it['leg']} {it['verb']}" for it in row["order"]["unanswered"])


_CHANGED: Final = _moment("changed", lambda row: row["updated_at_ms"])

ORDERS: Final = View(
    "order.row.v1",
    "Orders",
    (
        _text("order", "order_id"),
        _text("user", "user_id"),
        _text("state", "order.state"),
        _text("reason", "order.reason"),
        Shown(Column("version", number=True), lambda row: row["order"]["history"][-1]["version"]),
        Shown(Column("lines"), _lines),
        Shown(Column("total (minor)", number=True), _total_minor),
        _text("payment", "order.payment.status"),
        _text("shipment", "order.shipment.status"),
        Shown(Column("unanswered"), _unanswered),
        _moment("changed", lambda row: row["order"]["history"][-1]["at_ms"]),
    ),
)
STOCK: Final = View(
    "stock.row.v1",
    "Stock",
    (
        _text("product", "product_id"),
        _text("name", "name"),
        _number("on hand", "stock.on_hand"),
        _number("reserved", "stock.reserved"),
        Shown(
            Column("available", number=True), lambda row: int(row["stock"]["on_hand"]) - int(row["stock"]["reserved"])
        ),
        _number("price (minor)", "price_minor"),
        _text("currency", "currency"),
        _number("version", "version"),
        _CHANGED,
    ),
)
RESERVATIONS: Final = View(
    "reservation.row.v1",
    "Reservations",
    (
        _text("order", "order_id"),
        _number("quantity", "reservation.quantity"),
        _text("status", "reservation.status"),
        _offset("reserved at offset", "reservation.reserved_at"),
        _offset("settled at offset", "reservation.settled_at"),
    ),
)
ADJUSTMENTS: Final = View(
    "adjustment.row.v1",
    "Changes asked for",
    (
        _text("idempotency key", "idempotency_key"),
        _number("delta", "adjustment.delta"),
        _text("done", "adjustment.ok"),
        _number("offset", "adjustment.offset"),
    ),
)
PAYMENTS: Final = View(
    "payment.row.v1",
    "Payments",
    (
        _text("order", "payment.order_id"),
        _text("status", "payment.status"),
        _text("wanted", "payment.want"),
        _text("under way", "payment.pending.operation"),
        _number("amount (minor)", "amount_minor"),
        _text("currency", "currency"),
        _text("method", "method"),
        _text("gateway", "payment.at"),
        _text("reference", "reference"),
        _number("attempts", "attempts"),
        _text("reason", "reason"),
        _CHANGED,
    ),
)
SHIPMENTS: Final = View(
    "shipment.row.v1",
    "Shipments",
    (
        _text("order", "shipment.order_id"),
        _text("status", "shipment.status"),
        _text("wanted", "shipment.want"),
        _text("under way", "shipment.pending.operation"),
        _text("carrier", "shipment.at"),
        _text("tracking number", "tracking_number"),
        _text("reason", "reason"),
        _CHANGED,
    ),
)
