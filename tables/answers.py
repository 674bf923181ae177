"""First answers, by what their Idempotency-Keys stand under. Written by `agents.answers` alone."""

from __future__ import annotations

from app.delivery import row_table
from app.main import app, settings
from schemas.codec import Decoder, encode
from schemas.idempotency import AnswerRow

answers = row_table(
    app,
    "answers",
    partitions=settings.partitions,
    encode=encode,
    decode=Decoder((AnswerRow,)),
    version=lambda row: row.offset,
)
