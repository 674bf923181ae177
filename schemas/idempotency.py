"""What is said of an Idempotency-Key, and remembered. `key` is what it stands under, as `views.idempotency` makes it.

Times are milliseconds since 1970, by the broker's clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, TypeAlias

from msgspec import Meta

from schemas.record import Record
from schemas.values import Identifier, Text

MAX_BODY: Final = 2**18
"""In characters; the largest answer, an order of 100 lines, has a tenth of it."""

Offset: TypeAlias = Annotated[int, Meta(ge=0, le=2**62)]
KeptStatus: TypeAlias = Annotated[int, Meta(ge=200, le=499)]
KeptHeaders: TypeAlias = Annotated[dict[Text, Text], Meta(max_length=10)]
KeptBody: TypeAlias = Annotated[str, Meta(max_length=MAX_BODY)]


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer as it is given again: its status, those of its headers that belong to it, and its body's text."""

    status: KeptStatus
    headers: KeptHeaders
    body: KeptBody


class KeyMessage(Record, abstract=True):
    """Anything that is said of a key."""

    key: Identifier


class ClaimKey(KeyMessage, namespace="answer.claim.v1"):
    """A request with this key is about to be done; `fingerprint` stands for its body. The first one counts."""

    fingerprint: Text


class KeepAnswer(KeyMessage, namespace="answer.keep.v1"):
    """The request with this key and this fingerprint was answered so. The first one counts."""

    fingerprint: Text
    answer: KeptAnswer


class ForgetAnswer(KeyMessage, namespace="answer.forget.v1"):
    """The key's time is over. Counts only for the row that was last changed at `offset`."""

    offset: Offset


class AnswerRow(Record, namespace="answer.row.v1"):
    """One key, in `tables.answers`: claimed, or answered too. `offset` is that of the message that last changed it."""

    key: str
    fingerprint: str
    offset: int
    updated_at_ms: int
    answer: KeptAnswer | None = None
