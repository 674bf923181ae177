"""The workers' tables as they would be recovered: of each key the highest version in the changelog."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from app.adapters.kafka_log import LogRecord
from app.audit.report import Kind, Report
from app.delivery import Row, RowTable
from app.delivery.queues import is_entry
from schemas.codec import Decoder, Undecodable
from schemas.rows import AdjustmentRow, OrderRow, PaymentRow, ReservationRow, ShipmentRow, StockRow
from tables import inventory, orders, payments, shipments
from tables.inventory import version as inventory_version
from tables.payments import version as payment_version
from tables.shipments import version as shipment_version


class Kept(NamedTuple):
    """A row of a changelog. `row` is None for one that was deleted, and then nothing more is known of it."""

    row: Row | None
    version: int
    partition: int


Book = dict[str, Kept]
"""The rows of one table, by key."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its name, its changelog, and how its rows are read and told apart by age."""

    name: str
    changelog: str
    decode: Decoder[Any]
    version: Callable[[Row], int]


def _table(table: RowTable, decode: Decoder[Any], version: Callable[[Row], int]) -> Table:
    return Table(table.name, table.changelog_topic_name, decode, version)


ORDERS: Final = _table(orders, Decoder((OrderRow,)), lambda row: int(row.order.applied))
INVENTORY: Final = _table(inventory, Decoder((StockRow, ReservationRow, AdjustmentRow)), inventory_version)
PAYMENTS: Final = _table(payments, Decoder((PaymentRow,)), payment_version)
SHIPMENTS: Final = _table(shipments, Decoder((ShipmentRow,)), shipment_version)


def take(table: Table, book: Book, records: Iterable[LogRecord], report: Report) -> None:
    """Enter records of the table's changelog, in their order, as recovery does."""
    for record in records:
        if record.key is None or is_entry(record.key):
            continue  # what waits behind a failed message is no row
        key = record.key.decode(errors="replace")
        if record.value is None:
            book[key] = Kept(None, -1, record.partition)
            continue
        try:
            row = table.decode(record.value)
        except Undecodable as error:
            where = f"{record.topic}-{record.partition}@{record.offset}"
            mend = "Find out who writes to this topic; workers can't recover past this record"
            report.add(Kind.UNREADABLE, f"{table.name} {key}", f"{where}: {error}", mend)
            continue
        version = table.version(row)
        known = book.get(key)
        if known is not None and known.row is not None and version < known.version:
            report.overtaken[table.name] += 1
            continue
        book[key] = Kept(row, version, record.partition)
