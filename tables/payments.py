"""Payments, by order id. Written by `agents.payments` alone."""

from __future__ import annotations

from typing import Final

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.rows import PaymentRow

CHANGES_AT_MOST: Final = 1_000
"""Of one row; it has some ten."""


def version(row: PaymentRow) -> int:
    """How new a row is: one that was forgotten and made anew is newer than all of the old one."""
    return row.opened_at * CHANGES_AT_MOST + row.payment.version


payments = row_table(
    app,
    "payments",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((PaymentRow,)),
    version=version,
)
