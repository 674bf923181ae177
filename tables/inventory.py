"""Stock: counters, reservations and adjustments, in their product's partition. Written by `agents.inventory` alone."""

from __future__ import annotations

from typing import TypeAlias

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import AdjustmentRow, ReservationRow, StockRow

InventoryRow: TypeAlias = StockRow | ReservationRow | AdjustmentRow


def version(row: InventoryRow) -> int:
    """How new a row is: counters by the last offset they applied, the others by that of their last change."""
    if isinstance(row, StockRow):
        return row.stock.applied
    if isinstance(row, ReservationRow):
        return max(row.reservation.reserved_at, row.reservation.settled_at, row.finished_at)
    return row.adjustment.offset


inventory = row_table(
    app,
    "inventory",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((StockRow, ReservationRow, AdjustmentRow)),
    version=version,
)
