"""Reading one thing by its key: from its owner's table, or from MongoDB while it has none; at the reader's position.

Whatever moves in between, the reader gets an answer, or `503` once it has waited long enough.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

from aiohttp import web

from app.delivery import Row, RowTable, owner_of
from app.main import app, settings
from schemas.http import Answer
from views.held import missing
from views.owner import on_owner
from views.position import KAFKA_AWAY, Position, must_exist, position_in
from views.problems import Problem, unavailable
from views.projection import Found, Part, projected, whole
from views.rows import come_to, current_row

LOOK_AGAIN_FIRST_S: Final = 0.05
LOOK_AGAIN_LONGEST_S: Final = 0.5


class NotYet(Problem):
    """`503` for now: nobody who can be asked knows enough yet."""

    def __init__(self, detail: str) -> None:
        super().__init__(503, detail, headers=unavailable(detail).headers)


@dataclass(frozen=True, slots=True)
class Source:
    """Where one kind of thing is read: the topic and the table of its rows, and its documents in the read model.

    `name` is what it is called; `kind` is the answer that the `part` of a document makes.
    """

    name: str
    topic: str
    table: RowTable
    find: Callable[[str, int], Awaitable[Found | None]]
    kind: type[Answer]
    part: Part = whole


async def read_one(
    request: web.Request,
    source: Source,
    key: str,
    show: Callable[[Any, int], Awaitable[web.Response]],
) -> web.StreamResponse:
    """Answer by `show`, given the row of `key` and its partition; or as `projected`.

    Raises `Problem`: 400, 404, 422, 503.
    """
    wanted = position_in(request, source.topic, owner_of(app, source.topic, key.encode()).partition)
    ends_s = monotonic() + settings.read_timeout_s
    pause_s = LOOK_AGAIN_FIRST_S

    async def here(partition: int) -> web.StreamResponse:
        left_s = max(0.0, ends_s - monotonic())
        if wanted is not None:
            await come_to(wanted, left_s)
        row: Row | None = await current_row(source.topic, source.table, partition, key, left_s)
        if row is not None:
            return await show(row, partition)
        found = await source.find(key, partition)  # it may be finished, and have left the table
        if found is None:
            raise missing(source.topic, key, source.name)
        return projected(found, source.kind, source.part)

    async def without_owner(partition: int) -> web.StreamResponse:
        found = await source.find(key, partition)
        if found is not None and (wanted is None or found.has(wanted)):
            return projected(found, source.kind, source.part)
        if wanted is not None:
            await _must_exist(wanted)
            raise NotYet(f"The position {wanted} is not in yet.")
        raise NotYet(f"It can't be told now whether there is such a {source.name}.")

    while True:
        try:
            return await on_owner(request, source.topic, key, here, otherwise=without_owner)
        except NotYet:
            if monotonic() + pause_s > ends_s:
                raise
        await asyncio.sleep(pause_s)  # until then the key may have an owner, or the projection have come further
        pause_s = min(2 * pause_s, LOOK_AGAIN_LONGEST_S)


async def _must_exist(position: Position) -> None:
    try:
        await must_exist(position)
    except KAFKA_AWAY as error:
        raise NotYet("Kafka does not answer now.") from error
