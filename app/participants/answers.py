"""Answers: what is remembered of each Idempotency-Key, and for how long.

Of two workers that both take themselves for a key's owner, the log decides which came first: the first claim fixes what
the request is, the first answer is the one that all are given. A message that is read again after a crash finds what it
did before, or does it again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app import topics
from app.delivery import ConsumerRecord, Effects, Rows, Send
from app.participants.reading import read
from schemas.codec import encode, remade
from schemas.idempotency import AnswerRow, ClaimKey, ForgetAnswer, KeepAnswer

RING_AGAIN_MS: Final = 60_000
"""A row that is still there so long after it was to be forgotten is told of again: the message may have been lost."""


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """What one message does to its key. Raises `Refused`."""
    message = read(topics.read_answer_message, record, "key")
    row: AnswerRow | None = rows.get(message.key)
    match message:
        case ClaimKey() if row is None:
            return _written(AnswerRow(message.key, message.fingerprint, record.offset, record.timestamp))
        case KeepAnswer() if row is not None and row.answer is None and row.fingerprint == message.fingerprint:
            changes = {"answer": message.answer, "offset": record.offset, "updated_at_ms": record.timestamp}
            return _written(remade(AnswerRow, row, **changes))
        case ForgetAnswer() if row is not None and row.offset == message.offset:
            return Effects(((message.key, None),))
        case _:
            return Effects()


def _written(row: AnswerRow) -> Effects:
    return Effects(((row.key, row),))


@dataclass(frozen=True, slots=True)
class AnswerClock:
    """Has each key forgotten `kept_ms` after it was answered, or was claimed without ever being answered."""

    kept_ms: int

    def due_at_ms(self, row: AnswerRow, since_ms: int, rung: int) -> int:
        """When the row's time is over, or is to be told of again."""
        return since_ms + RING_AGAIN_MS if rung else row.updated_at_ms + self.kept_ms

    def ring(self, row: AnswerRow, _since_ms: int, _rung: int, _now_ms: int) -> list[Send]:
        """The message that has it forgotten."""
        return [Send(topics.ANSWERS, row.key.encode(), encode(ForgetAnswer(row.key, offset=row.offset)))]
