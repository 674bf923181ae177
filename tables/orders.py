"""Orders, by order id. Written by `agents.orders` alone."""

from __future__ import annotations

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import OrderRow

orders = row_table(
    app,
    "orders",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((OrderRow,)),
    version=lambda row: row.order.applied,
)
