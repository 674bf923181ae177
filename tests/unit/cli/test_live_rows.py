"""Rows in memory, gathered page by page until a worker has shown them all."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from app.cli import live_rows
from app.cli.api import Api, Failure
from app.cli.live_rows import LiveRows
from tests.unit.cli.stub_worker import stub_worker, told

KEYS = [f"tea & cup/order/{number:02}" for number in range(7)]


def shows(*keys: str) -> Any:
    """A worker that is its only one, and holds these keys."""

    async def answer(request: web.Request, _: object) -> web.StreamResponse:
        if request.path == "/tables":
            return told({"workers": [f"http://{request.host}"]})
        assert request.path == "/tables/inventory"
        behind = [key for key in keys if key > request.query["after"]]
        page = behind[: int(request.query["limit"])]
        return told({"rows": [{"key": key, "row": {"of": key}} for key in page]})

    return answer


@pytest.mark.parametrize("count", [0, 2, 3, 6, 7])
async def test_all_pages_are_gathered(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_rows, "PAGE", 3)
    async with stub_worker(shows(*KEYS[:count])) as url, Api([url], "my-key") as api:
        held = await LiveRows(api).rows("inventory")
    assert [it.key for it in held] == KEYS[:count]
    assert {it.url for it in held} <= {url}


async def test_a_worker_that_can_not_show_its_rows_is_no_answer() -> None:
    async def refuses(request: web.Request, _: object) -> web.StreamResponse:
        return told({"workers": [f"http://{request.host}"]}) if request.path == "/tables" else told({}, status=404)

    async with stub_worker(refuses) as url, Api([url], "my-key") as api:
        with pytest.raises(Failure):
            await LiveRows(api).rows("inventory")
