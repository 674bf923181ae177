"""Rows are asked of every worker that there is."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import unquote

import pytest
from aiohttp import web

from app.cli.api import Api
from app.cli.inspect import TABLES, gather
from app.cli.table_rows import Kept, merged
from app.embedded.ports import free_port
from tests.unit.cli.stub_worker import Answer, stub_worker, told

PAGE = 2


def worker(urls: list[str], rows: Mapping[str, Any], products: list[str]) -> Answer:
    """Holds `rows` by key, knows all workers' `urls`, and shows the catalogue in pages."""

    async def answer(request: web.Request, _body: Any) -> web.Response:
        parts = request.raw_path.partition("?")[0].split("/")
        if parts[1] == "v1":
            begin = int(request.query.get("cursor", 0))
            page, rest = products[begin : begin + PAGE], products[begin + PAGE :]
            return told(
                {"items": [{"productId": it} for it in page], "nextCursor": str(begin + PAGE) if rest else None}
            )
        if len(parts) == 2:
            return told({"workers": urls, "tables": []})
        if len(parts) == 3:
            found = sorted(key for key in rows if key.startswith(request.query.get("prefix", "")))
            shown = found[: int(request.query["limit"])]
            return told({"rows": [{"key": key, "row": rows[key]} for key in shown]})
        key = unquote(parts[3])
        return told(rows[key]) if key in rows else told({"detail": "no row on this worker"}, 404)

    return answer


ONE = {key: {"row": key} for key in ("789", "789/order/1", "7890", "7890/order/2")}
TWO = {key: {"row": key} for key in ("740", "740/adjustment/seed")}


@pytest.mark.parametrize(
    ("table", "key", "expected"),
    [
        ("orders", None, [*TWO, *ONE]),
        ("orders", "789", ["789"]),
        ("stock", None, ["740", "789", "7890"]),
        ("stock", "789", ["789", "789/order/1"]),
        ("stock", "740", ["740", "740/adjustment/seed"]),
        ("stock", "none", []),
    ],
)
async def test_the_rows_of_all_workers_are_found(table: str, key: str | None, expected: list[str]) -> None:
    urls: list[str] = []
    products = ["740", "789", "7890"]
    async with AsyncExitStack() as stack:
        for rows in (ONE, TWO):
            urls.append(await stack.enter_async_context(stub_worker(worker(urls, rows, products))))
        api = await stack.enter_async_context(Api([urls[0]], "k"))
        found, silent = await gather(api, TABLES[table], key, 100)
    assert merged(found) == [Kept(key, {"row": key}) for key in expected]
    assert silent == []


async def test_a_worker_that_does_not_answer_is_named() -> None:
    gone = f"http://127.0.0.1:{free_port()}"
    urls = [gone]
    async with stub_worker(worker(urls, ONE, [])) as url, Api([url], "k") as api:
        urls.append(url)
        found, silent = await gather(api, TABLES["orders"], "789", 100)
    assert ([kept.key for kept in merged(found)], silent) == (["789"], [gone])
