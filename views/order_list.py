"""The list of orders, from MongoDB: newest first, by a cursor that neither skips nor repeats while orders arrive."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

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
    documents = await stored(read_model().orders(wanted, place, limit + 1))
    items = tuple(msgspec.convert(document, OrderAnswer) for document in documents[:limit])
    cursor = to_cursor(BeforeOrder(items[-1].created_at, items[-1].order_id)) if len(documents) > limit else None
    return answer(OrderListAnswer(items, cursor), headers=headers)
