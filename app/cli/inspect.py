"""`inspect orders|stock|payments|shipments [KEY]`: the rows of the live tables, gathered from all workers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

import click
from faust.cli import argument, option

from app.cli import table_rows
from app.cli.api import Api, Failure, Unreachable
from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.table_rows import Kept, View, merged
from app.main import app


class Inspected(NamedTuple):
    """A table as it is called here: its own name, how its rows are shown, and what else stands beside one of them."""

    table: str
    view: View
    beside: tuple[View, ...] = ()


TABLES: Final = {
    "orders": Inspected("orders", table_rows.ORDERS),
    "stock": Inspected("inventory", table_rows.STOCK, (table_rows.RESERVATIONS, table_rows.ADJUSTMENTS)),
    "payments": Inspected("payments", table_rows.PAYMENTS),
    "shipments": Inspected("shipments", table_rows.SHIPMENTS),
}


@app.command(
    argument("table", type=click.Choice(list(TABLES))),
    argument("key", required=False),
    option("--limit", type=click.IntRange(1, 1000), default=100, help="Rows to show, at most."),
    *CONNECTION,
    base=HttpCommand,
)
async def inspect(self: HttpCommand, table: str, key: str | None, limit: int) -> int:
    """Show the rows of a live table.

    They come from all workers. KEY is an order's id, or a product's for stock: then what orders hold of it, and how it
    was changed, is shown too. The exit code is 1 when KEY has no row, or a worker did not answer.
    """
    inspected = TABLES[table]
    async with self.api() as api:
        found, silent = await gather(api, inspected, key, limit)
    for url in silent:
        self.out.warn(f"The worker at {url} did not answer: its rows are missing.")
    rows = merged(found)
    if len(rows) >= limit:
        self.out.warn(f"There may be more rows than the first {limit}: see --limit.")
    if key and not rows:
        raise Failure(f"No row of {table} has the key {key}")
    views = (inspected.view, *(inspected.beside if key else ()))
    if self.out.as_json:
        kinds = {view.kind for view in views}
        self.out.json([{"key": it.key, "row": it.row} for it in rows if it.row["__faust"]["ns"] in kinds][:limit])
    else:
        for view in views:
            shown = view.of(rows)[:limit]
            self.out.table(view.title, view.columns, [view.cells(row) for row in shown])
    return FAILED if silent else DONE


async def gather(api: Api, inspected: Inspected, key: str | None, limit: int) -> tuple[list[list[Kept]], list[str]]:
    """The rows of each worker, and the addresses of those that did not answer. Raises `Failure`."""
    workers: list[str] = (await api.call("GET", "/tables")).expect()["workers"]
    # The table of stock also holds what every order holds of a product, so its products are not found by listing it.
    products = await _products(api, limit) if inspected.beside and key is None else None

    async def rows(url: str) -> list[Kept] | None:
        try:
            if key is not None:
                return await _about(api, url, inspected, key, limit)
            if products is not None:
                return await _kept(api, url, inspected.table, products)
            return await _listed(api, url, inspected.table, {"limit": limit})
        except Unreachable:
            return None

    answers = await asyncio.gather(*map(rows, workers))
    silent = [url for url, answer in zip(workers, answers, strict=True) if answer is None]
    return [answer for answer in answers if answer is not None], silent


async def _products(api: Api, limit: int) -> list[str]:
    """The ids of the first products of the catalogue, which comes in pages."""
    found: list[str] = []
    query: dict[str, Any] = {}
    while len(found) < limit:
        page = (await api.call("GET", f"/v1/inventory?{urlencode(query)}")).expect()
        found.extend(it["productId"] for it in page["items"])
        if page["nextCursor"] is None:
            break
        query = {"cursor": page["nextCursor"]}
    return found[:limit]


async def _about(api: Api, url: str, inspected: Inspected, key: str, limit: int) -> list[Kept]:
    own = await _kept(api, url, inspected.table, [key])
    if not inspected.beside:
        return own
    return own + await _listed(api, url, inspected.table, {"prefix": f"{key}/", "limit": limit})


async def _kept(api: Api, url: str, table: str, keys: Sequence[str]) -> list[Kept]:
    """Those of the rows with these keys that the worker at `url` holds."""
    replies = await asyncio.gather(
        *(api.call("GET", f"/tables/{table}/{quote(key, safe='')}", url=url) for key in keys)
    )
    told = zip(keys, replies, strict=True)
    return [Kept(key, reply.expect()) for key, reply in told if reply.status != HTTPStatus.NOT_FOUND]


async def _listed(api: Api, url: str, table: str, query: Mapping[str, object]) -> list[Kept]:
    reply = await api.call("GET", f"/tables/{table}?{urlencode(query)}", url=url)
    return [Kept(it["key"], it["row"]) for it in reply.expect()["rows"]]
