"""Dead letters: parked messages, with all it takes to look again and try again; and what was done with them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from enum import StrEnum

from schemas.record import Record


class Kind(StrEnum):
    """Why a message is parked: it makes no sense, its participant raised, or it waits behind one that did."""

    REFUSED = "refused"
    FAILED = "failed"
    WAITING = "waiting"


class Action(StrEnum):
    """What a person did with a dead letter."""

    REPLAY = "replay"
    DROP = "drop"


class DeadLetter(Record, namespace="dead-letter.v1"):
    """One parked message; when it was parked is its own timestamp. `key`, `value` and header values are in base64.

    `topic`, `partition` and `offset` name the letter. A replay that failed is a letter of the same name, with its own
    bytes and `replays`, the number of replays before it. `attempt` is how often the message was tried each time.
    """

    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...]
    error: str
    attempt: int
    kind: Kind = Kind.REFUSED
    replays: int = 0
    trace_id: str | None = None


class DeadLetterHandled(Record, namespace="dead-letter.handled.v1"):
    """A person replayed or dropped the letter of that name; when is the record's own timestamp.

    `replays` is how often it has been replayed by then. It settles the letters of that name with fewer replays: one
    with as many is this replay, failed. `value` is what was sent in place of the original bytes, in base64.
    """

    topic: str
    partition: int
    offset: int
    action: Action
    by: str
    reason: str
    replays: int = 0
    value: str | None = None


def base64_of(raw: bytes | None) -> str | None:
    """Bytes as text that JSON can hold."""
    return None if raw is None else b64encode(raw).decode("ascii")


def bytes_of(text: str | None) -> bytes | None:
    """The bytes in such a text. Raises `ValueError`."""
    return None if text is None else b64decode(text, validate=True)
