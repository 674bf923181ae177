"""When the rows of each table leave it, by `app.domain.retention`; times are milliseconds since 1970."""

from __future__ import annotations

from typing import Final

from app.domain import retention
from app.domain.retention import Keeping
from app.main import settings
from schemas.rows import AdjustmentRow, OrderRow, PaymentRow, ReservationRow, ShipmentRow, StockRow

_DAY_S: Final = 24 * 3600.0

KEEPING: Final = Keeping(
    order_ms=int(1000 * settings.order_retention_s),
    leg_ms=int(1000 * settings.longest_pause_s),
    # as long as their topics have the messages that may have made them
    stray_ms=int(1000 * (7 * _DAY_S + settings.order_retention_s + settings.longest_pause_s)),
    adjustment_ms=int(1000 * (max(settings.answer_kept_s, settings.order_retention_s) + settings.longest_pause_s)),
)

LOOK_EVERY_S: Final = min(600.0, max(0.25, min(settings.order_retention_s, settings.longest_pause_s) / 4))
"""How often a worker looks whose time is over, at most: it looks at every row, however many there are."""


def order_leaves_at_ms(row: OrderRow, keeping: Keeping = KEEPING) -> int | None:
    """A finished order, after its time."""
    return retention.order_leaves_at_ms(row.order, keeping)


def payment_leaves_at_ms(row: PaymentRow, keeping: Keeping = KEEPING) -> int | None:
    """The payment of an order that has left."""
    return retention.payment_leaves_at_ms(row.payment, row.updated_at_ms, row.finished_at_ms, keeping)


def shipment_leaves_at_ms(row: ShipmentRow, keeping: Keeping = KEEPING) -> int | None:
    """The shipment of an order that has left."""
    return retention.shipment_leaves_at_ms(row.shipment, row.updated_at_ms, row.finished_at_ms, keeping)


def stock_leaves_at_ms(row: StockRow | ReservationRow | AdjustmentRow, keeping: Keeping = KEEPING) -> int | None:
    """What an order that has left held, and a change of stock that nobody will ask for again; never the counters."""
    if isinstance(row, ReservationRow):
        return retention.reservation_leaves_at_ms(row.reservation, row.changed_at_ms, row.finished_at_ms, keeping)
    return row.changed_at_ms + keeping.adjustment_ms if isinstance(row, AdjustmentRow) else None


def product_of(key: str) -> str:
    """The product whose messages concern the row of stock under this key."""
    return key.split("/", 1)[0]
