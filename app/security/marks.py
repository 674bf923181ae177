"""Marks that only our own workers can make: each is signed with their common secret, and is good for a few minutes."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

GOOD_FOR_S: Final = 300
"""Clocks of workers may differ by less than this."""


def make_mark(secret: str, now_s: float, *said: str) -> str:
    """A mark that says this."""
    at_s = int(now_s)
    return f"{at_s}.{_signature(secret, at_s, said)}"


def is_mark(mark: str, secret: str, now_s: float, *said: str) -> bool:
    """Whether a worker of ours has made this mark lately, and said this. The comparison takes constant time."""
    at, _, signature = mark.partition(".")
    if not (at.isascii() and at.isdigit() and len(at) < 12):
        return False
    expected = _signature(secret, int(at), said)
    is_signed = hmac.compare_digest(expected.encode(), signature.encode(errors="surrogateescape"))
    return bool(secret) and is_signed and abs(now_s - int(at)) <= GOOD_FOR_S


def _signature(secret: str, at_s: int, said: tuple[str, ...]) -> str:
    content = "\0".join((str(at_s), *said)).encode(errors="surrogateescape")
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()
