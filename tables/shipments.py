"""Shipments, by order id. Written by `agents.shipping` alone."""

from __future__ import annotations

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import ShipmentRow

shipments = row_table(
    app,
    "shipments",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((ShipmentRow,)),
    version=lambda row: row.shipment.version,
)
