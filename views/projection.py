"""What the read model says, with where it comes from and how old it is.

It answers lists, while a key has no owner, and for the orders that have left the tables because they were finished
long ago.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple, TypeAlias, TypeVar

import msgspec
from aiohttp import web

from app import topics
from app.main import settings
from app.wiring import STORE_AWAY, Reached, progress, read_model
from schemas.http import Answer
from views.bodies import answer
from views.position import Position, of_document
from views.problems import unavailable

A = TypeVar("A", bound=Answer)
T = TypeVar("T")
Document: TypeAlias = dict[str, Any]
Part: TypeAlias = Callable[[Document], Document]

READ_SOURCE: Final = "x-read-source"


class Found(NamedTuple):
    """A document, the partition that its key lies in, and how far that one was in when the document was looked for."""

    document: Document
    topic: str
    partition: int
    reached: Reached | None

    def has(self, position: Position) -> bool:
        """Whether this shows all that was told up to `position`."""
        return self.document.get("applied", -1) >= position.offset or is_in(position, self.reached)


async def find_order(order_id: str, partition: int) -> Found | None:
    """The order as it was last told. Raises `Problem` (503) while MongoDB is away."""
    return await _find(topics.ORDERS, partition, lambda: read_model().order(order_id))


async def find_stock(product_id: str, partition: int) -> Found | None:
    """The product as it was last told. Raises `Problem` (503) while MongoDB is away."""
    return await _find(topics.INVENTORY, partition, lambda: read_model().stock(product_id))


async def _find(topic: str, partition: int, look: Callable[[], Awaitable[Document | None]]) -> Found | None:
    # How far first: a document that is read after that has at least so much.
    reached = await stored(progress().of([(topic, partition)]))
    document = await stored(look())
    return None if document is None else Found(document, topic, partition, reached.get((topic, partition)))


async def stored(found: Awaitable[T]) -> T:
    """What the read model finds. Raises `Problem` (503) while MongoDB is away, or stands still."""
    try:
        async with asyncio.timeout(settings.read_timeout_s):
            return await found
    except (*STORE_AWAY, TimeoutError) as error:
        raise unavailable("MongoDB does not answer.") from error


def is_in(position: Position, reached: Reached | None) -> bool:
    """Whether all that was told up to `position` is in the read model that has come so far."""
    return reached is not None and reached.offset >= position.offset


def whole(document: Document) -> Document:
    """All of a document, which is the answer of its own kind."""
    return document


def projected(found: Found, kind: type[A], part: Part = whole) -> web.Response:
    """The answer that the `part` of a document makes which is a `kind`."""
    known_at = found.document["updatedAt"]  # so it was then, whatever else is known
    if found.reached is not None:
        known_at = max(known_at, found.reached.at)
    headers = {**source_headers(known_at), **of_document(found.topic, found.partition, found.document)}
    return answer(msgspec.convert(part(found.document), kind), headers=headers)


def source_headers(known_at: datetime | None) -> Mapping[str, str]:
    """Where an answer comes from, and how many seconds ago it was known to be up to date, if ever."""
    source = {READ_SOURCE: "projection"}
    if known_at is None:
        return source
    return source | {"Age": str(max(0, int((datetime.now(UTC) - known_at).total_seconds())))}
