"""The list of orders, from MongoDB: newest first, by a cursor that neither skips nor repeats while orders arrive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec
from aiohttp import web

from app import topics
from app.domain.order import Status
from app.wiring import read_model
from schemas.http import OrderAnswer, OrderListAnswer
from schemas.values import Identifier
from views.admission import caller_of, roles_of_call
from views.bodies import answer, is_id
from views.lists import list_headers
from views.problems import invalid
from views.projection import stored
from views.query import cursor_of, limit_of, only, to_cursor

LARGEST_PAGE: Final = 1024 * 1024
"""Bytes: as many as a body may have. A thousand orders can have 36 times as many, and a worker would hold them for each
reader, and for those that read slowly."""
MOST_AT_ONCE: Final = 128
"""Orders that are asked for at once: not many more than fit into a page, when they are large."""


class BeforeOrder(msgspec.Struct, array_like=True):
    """The place in the list behind this order."""

    created_at: Annotated[datetime, msgspec.Meta(tz=True)]
    order_id: Identifier

    def __post_init__(self) -> None:
        """Raises `OverflowError` for a time that can't be told in UTC, as MongoDB is asked for it."""
        self.created_at.astimezone(UTC)


async def list_orders(request: web.Request) -> web.Response:
    """Answer with orders of `userId` and of `status`, where these are given. Raises `Problem`: 400, 422, 503."""
    only(request, "userId", "status", "limit", "cursor")
    wanted = {name: request.query[name] for name in ("userId", "status") if name in request.query}
    if not is_id(wanted.get("userId", "any")):
        raise invalid("The query parameter 'userId' is no id.")
    if "status" in wanted and wanted["status"] not in Status.__members__:
        raise invalid(f"The query parameter 'status' must be one of {', '.join(Status)}.")
    caller = caller_of(request)
    if caller.only_own(roles_of_call(request)) and wanted.setdefault("userId", caller.person or "") != caller.person:
        return answer(OrderListAnswer((), None))  # as if there were none
    limit, before = limit_of(request), cursor_of(request, BeforeOrder)
    place = None if before is None else (before.created_at, before.order_id)
    headers = await list_headers(request, topics.ORDERS)
    items, is_last = await page_of(wanted, place, limit)
    cursor = None if is_last else to_cursor(BeforeOrder(items[-1].created_at, items[-1].order_id))
    return answer(OrderListAnswer(items, cursor), headers=headers)


async def page_of(
    wanted: Mapping[str, str], place: tuple[datetime, str] | None, limit: int
) -> tuple[tuple[OrderAnswer, ...], bool]:
    """The orders behind `place`, at most `limit` of them and `LARGEST_PAGE` bytes, and whether they are the last.

    Raises `Problem` (503).
    """
    items: list[OrderAnswer] = []
    size = 0
    while True:
        asked = min(limit + 1 - len(items), MOST_AT_ONCE)
        documents = await stored(read_model().orders(wanted, place, asked))
        for document in documents:
            item = msgspec.convert(document, OrderAnswer)
            size += len(msgspec.json.encode(item))
            if len(items) == limit or (items and size > LARGEST_PAGE):
                return tuple(items), False
            items.append(item)
        if len(documents) < asked:
            return tuple(items), True
        place = items[-1].created_at, items[-1].order_id
