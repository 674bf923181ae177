"""Replays that might place an order a second time.

The orders' participant decides by its rows alone. A `PlaceOrder` that was refused, since there was such an order, is a
new one to it once that order has left the table: the goods would leave again.
"""

from __future__ import annotations

from collections.abc import Iterable

from app import topics
from app.cli.api import Failure
from app.cli.letters import Letter
from app.domain.saga import ID_IS_TAKEN
from schemas.codec import Undecodable
from schemas.commands import PlaceOrder
from schemas.dead_letters import Kind, bytes_of


def check_placing(letters: Iterable[Letter], value: bytes | None, order_retention_s: float, now_s: float) -> None:
    """Raise `Failure` when the replay of one of these, with `value` or its own bytes, might place an order again.

    That is one that was refused because there was such an order, or so long ago that there may have been one since.
    """
    oldest_ms = 1000 * (now_s - order_retention_s)
    for letter in letters:
        parked = letter.parked
        if parked.kind is not Kind.REFUSED or letter.name.topic != topics.ORDERS:
            continue
        may_be_forgotten = parked.error == ID_IS_TAKEN or letter.parked_ms < oldest_ms
        if may_be_forgotten and _places(bytes_of(parked.value) if value is None else value):
            raise Failure(
                f"{letter.name} was refused, and places an order: if there was one of that id, and it has left the"
                " workers' tables, it is placed and shipped once more; if there was none, insist with --force"
            )


def _places(value: bytes | None) -> bool:
    try:
        return isinstance(topics.read_order_message(value), PlaceOrder)
    except Undecodable:
        return False
