"""Rows as requests need them: up to date on their owner, and from MongoDB while they have none.

MongoDB also has the orders that have left the tables because they were finished long ago.
"""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Any, Final, TypeAlias, TypeVar

import msgspec
from aiohttp import web
from faust import Record

from app.delivery import Delivered, Row, RowTable, Send
from app.main import app, settings
from app.wiring import STORE_AWAY
from schemas.codec import encode
from schemas.http import Answer
from views.bodies import answer
from views.problems import unavailable

A = TypeVar("A", bound=Answer)
T = TypeVar("T")
Document: TypeAlias = dict[str, Any]

READ_SOURCE: Final = "x-read-source"


async def current_row(topic: str, table: RowTable, partition: int, key: str) -> Row | None:
    """The row of `key` on its owner; before saying that there is none, all that was sent so far is decided.

    Raises `Moved`, `TimeoutError`.
    """
    row = table.rows_of(partition).get(key)
    if row is None:
        await app.participants[topic].caught_up(partition, settings.request_timeout_s)
        row = table.rows_of(partition).get(key)
    return row


async def tell(topic: str, key: str, message: Record) -> Delivered:
    """Send a message to the participant of `topic` on this worker, and wait until it is decided and safe.

    Raises `Unavailable`, `Moved`, `TimeoutError`; with the last two the message is in the log and will be decided.
    """
    delivered = await app.front.send(Send(topic, key.encode(), encode(message)))
    await app.participants[topic].applied(delivered.partition, delivered.offset, settings.request_timeout_s)
    return delivered


async def stored(found: Awaitable[T]) -> T:
    """What the read model finds. Raises `Problem` (503) while MongoDB is away."""
    try:
        return await found
    except STORE_AWAY as error:
        raise unavailable("MongoDB does not answer.") from error


def projected(document: Document, kind: type[A]) -> web.Response:
    """The answer that a document of the read model makes, with where it comes from and how old it is."""
    body = msgspec.convert(document, kind)
    age_s = max(0, int((datetime.now(UTC) - document["updatedAt"]).total_seconds()))
    return answer(body, headers={READ_SOURCE: "projection", "Age": str(age_s)})
