"""Shipments, by order id. Written by `agents.shipping` alone."""

from __future__ import annotations

from typing import Final

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import ShipmentRow

CHANGES_AT_MOST: Final = 1_000
"""Of one row; it has some ten."""


def version(row: ShipmentRow) -> int:
    """How new a row is: one that was forgotten and made anew is newer than all of the old one."""
    return row.opened_at * CHANGES_AT_MOST + row.shipment.version


shipments = row_table(
    app,
    "shipments",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((ShipmentRow,)),
    version=version,
)
