"""Dead letters: messages that could not be decoded, or were refused, with all it takes to look again and try again."""

from __future__ import annotations

from base64 import b64encode

from faust import Record


class DeadLetter(Record, namespace="dead-letter.v1"):
    """One parked message; when it was parked is its own timestamp. `key`, `value` and header values are in base64."""

    topic: str
    partition: int
    offset: int
    key: str | None
    value: str | None
    headers: tuple[tuple[str, str], ...]
    error: str
    attempt: int


def base64_of(raw: bytes | None) -> str | None:
    """Bytes as text that JSON can hold."""
    return None if raw is None else b64encode(raw).decode("ascii")
