"""The query of a request: which parameters it has, how many items it wants, and from where it goes on."""

from __future__ import annotations

import base64
import binascii
from typing import Final, TypeVar

import msgspec
from aiohttp import web

from views.problems import invalid

C = TypeVar("C")

DEFAULT_LIMIT: Final = 50
LARGEST_LIMIT: Final = 1000


def only(request: web.Request, *names: str) -> None:
    """Raises `Problem` (422) for a parameter that is none of `names`, or that stands more than once."""
    for name in request.query:
        if name not in names:
            raise invalid(f"There is no query parameter {name!r} here; there are {', '.join(names)}.")
        if len(request.query.getall(name)) > 1:
            raise invalid(f"The query parameter {name!r} stands more than once.")


def limit_of(request: web.Request) -> int:
    """How many items are wanted at most. Raises `Problem` (422)."""
    text = request.query.get("limit", str(DEFAULT_LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and 1 <= int(text) <= LARGEST_LIMIT):
        raise invalid(f"The query parameter 'limit' must be a number from 1 to {LARGEST_LIMIT}.")
    return int(text)


def to_cursor(place: object) -> str:
    """A place in a list as a text that means nothing to its reader."""
    return base64.urlsafe_b64encode(msgspec.json.encode(place)).decode().rstrip("=")


def cursor_of(request: web.Request, kind: type[C]) -> C | None:
    """The place that the request goes on from; None at the beginning. Raises `Problem` (422)."""
    text = request.query.get("cursor")
    if text is None:
        return None
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (ValueError, binascii.Error, msgspec.DecodeError, RecursionError, OverflowError) as error:
        raise invalid("The query parameter 'cursor' must come from the answer before.") from error
