"""The rows that the workers hold in memory, by their own word: page by page, of each worker and table all."""

from __future__ import annotations

import asyncio
from typing import Any, Final
from urllib.parse import quote

import orjson

from app.audit.live import Held
from app.cli.api import Api

PAGE: Final = 1000
"""Rows that a worker shows at once."""


class LiveRows:
    """Asks all workers that the one behind `api` knows."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def rows(self, table: str) -> list[Held]:
        """See `Live`. Raises `Failure`."""
        workers: list[str] = (await self._api.call("GET", "/tables")).expect()["workers"]
        held = await asyncio.gather(*(self._held_by(url, table) for url in workers))
        return [row for rows in held for row in rows]

    async def _held_by(self, url: str, table: str) -> list[Held]:
        held: list[Held] = []
        after = ""
        while True:
            path = f"/tables/{table}?limit={PAGE}&after={quote(after, safe='')}"
            page: list[dict[str, Any]] = (await self._api.call("GET", path, url=url)).expect()["rows"]
            held += (Held(url, it["key"], orjson.dumps(it["row"])) for it in page)
            if len(page) < PAGE:
                return held
            after = held[-1].key
