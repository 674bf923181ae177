"""Payments, by order id. Written by `agents.payments` alone."""

from __future__ import annotations

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import PaymentRow

payments = row_table(
    app,
    "payments",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((PaymentRow,)),
    version=lambda row: row.payment.version,
)
