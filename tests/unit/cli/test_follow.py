"""Following one order to its end."""

from __future__ import annotations

from typing import Any

import pytest
from aiohttp import web

from app.cli.api import Api, Failure
from app.cli.follow import follow
from tests.unit.cli.stub_worker import stub_worker, told

HISTORY = [
    {"status": "PENDING", "at": "2026-01-01T00:00:00Z"},
    {"status": "RESERVED", "at": "2026-01-01T00:00:00.020000Z"},
    {"status": "PAID", "at": "2026-01-01T00:00:00.045000Z"},
    {"status": "SHIPPED", "at": "2026-01-01T00:00:01.100000Z"},
]


class Way:
    """An order that is so many statuses further at each look at its events."""

    def __init__(self, looks: list[int]) -> None:
        self.looks = looks
        self.waits: list[str | None] = []

    async def answer(self, request: web.Request, _body: Any) -> web.Response:
        if request.path.endswith("/events"):
            seen = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
            return told({"orderId": "1", "items": HISTORY[:seen]})
        self.waits.append(request.headers.get("Prefer"))
        return told({"orderId": "1", "status": HISTORY[self.looks[0] - 1]["status"]})


async def followed(way: Way, timeout_s: float = 20.0) -> tuple[list[tuple[int, str]], dict[str, Any]]:
    lines: list[tuple[int, str]] = []
    async with stub_worker(way.answer) as url, Api([url], "k") as api:
        order = await follow(api, "1", timeout_s, lambda ms, status: lines.append((ms, status)))
    return lines, order


async def test_each_status_is_told_once_with_its_own_time_even_when_several_came_between_two_looks() -> None:
    way = Way([1, 1, 3, 4])
    lines, order = await followed(way)
    assert lines == [(0, "PENDING"), (20, "RESERVED"), (45, "PAID"), (1100, "SHIPPED")]
    assert order["status"] == "SHIPPED"


async def test_a_shipped_order_is_waited_for_until_its_stock_is_settled() -> None:
    way = Way([4])
    await followed(way)
    assert len(way.waits) == 1
    assert str(way.waits[0]).startswith("wait=")


async def test_an_order_that_does_not_end_is_shown_as_it_is() -> None:
    lines, order = await followed(Way([2]), timeout_s=0.2)
    assert lines == [(0, "PENDING"), (20, "RESERVED")]
    assert order["status"] == "RESERVED"


async def test_an_order_that_nobody_knows_is_a_failure() -> None:
    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return told({"detail": "There is no such order."}, 404)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        with pytest.raises(Failure, match=r"^404 There is no such order\.$"):
            await follow(api, "1", 5.0, lambda _ms, _status: None)
