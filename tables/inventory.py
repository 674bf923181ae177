"""Stock: counters, reservations and adjustments, all in their product's partition. Written by `agents.inventory` alone.

The key says which kind of row it is; identifiers hold no `/`.
"""

from __future__ import annotations

from typing import TypeAlias

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import AdjustmentRow, ReservationRow, StockRow

InventoryRow: TypeAlias = StockRow | ReservationRow | AdjustmentRow


def stock_key(product_id: str) -> str:
    """The key of a product's counters."""
    return product_id


def reservation_key(product_id: str, order_id: str) -> str:
    """The key of what one order holds of a product."""
    return f"{product_id}/order/{order_id}"


def adjustment_key(product_id: str, idempotency_key: str) -> str:
    """The key of a change of stock that was asked for."""
    return f"{product_id}/adjustment/{idempotency_key}"


def version(row: InventoryRow) -> int:
    """How new a row is: counters by the last offset they applied, the others by the offset of their last phase."""
    if isinstance(row, StockRow):
        return row.stock.applied
    if isinstance(row, ReservationRow):
        return max(row.reservation.reserved_at, row.reservation.settled_at)
    return row.adjustment.offset


inventory = row_table(
    app,
    "inventory",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((StockRow, ReservationRow, AdjustmentRow)),
    version=version,
)
