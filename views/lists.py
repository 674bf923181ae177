"""What all lists share: they come from MongoDB, and are answered once that has come to the reader's positions."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from time import monotonic

from aiohttp import web

from app.main import app, settings
from app.wiring import progress
from views.position import KAFKA_AWAY, Position, must_exist, positions_of
from views.problems import unavailable
from views.projection import is_in, source_headers, stored

LOOK_AGAIN_S = 0.1


async def list_headers(request: web.Request, topic: str) -> Mapping[str, str]:
    """Wait until all that the request asks for is in; then the headers of a list that is read from now on.

    `Age` is that of the partition that is furthest behind. Raises `Problem`: 400, 422, 503.
    """
    wanted = positions_of(request, topic)
    places = [(topic, partition) for partition in range(app.partitions_of(topic))]
    ends_s = monotonic() + settings.read_timeout_s
    while True:
        reached = await stored(progress().of(places))
        missing = [it for it in wanted if not is_in(it, reached.get((topic, it.partition)))]
        if not missing:
            known = len(reached) == len(places)
            return source_headers(min(it.at for it in reached.values()) if known else None)
        await _wait_for(missing[0], ends_s)


async def _wait_for(position: Position, ends_s: float) -> None:
    try:
        await must_exist(position)
    except KAFKA_AWAY as error:
        raise unavailable("Kafka does not answer now.") from error
    if monotonic() + LOOK_AGAIN_S > ends_s:
        raise unavailable(f"The position {position} is not in yet.")
    await asyncio.sleep(LOOK_AGAIN_S)
