"""From a record of the log to the message in it, or to the dead letters."""

from __future__ import annotations

from typing import TypeVar

from faust import Record

from app.delivery import ConsumerRecord, Refused
from schemas.codec import Decoder, Undecodable

R = TypeVar("R", bound=Record)


def read(decoder: Decoder[R], record: ConsumerRecord, key_field: str) -> R:
    """The message of a record whose key is the message's own `key_field`. Raises `Refused`.

    A message under another key has come to another partition than its row, so it can't be acted upon.
    """
    try:
        message = decoder(record.value)
    except Undecodable as error:
        raise Refused(str(error)) from error
    expected: str = getattr(message, key_field)
    if record.key != expected.encode():
        raise Refused(f"the key is not the message's {key_field}")
    return message
