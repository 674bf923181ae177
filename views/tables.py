"""A look into the live tables of this worker: its own rows, as they stand in the changelogs. For development."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Final, cast

from aiohttp import web
from msgspec import Raw

import tables
from app.delivery import RowTable, workers
from app.main import app
from schemas.http import TableAnswer, TableRow, TableRowsAnswer, TablesAnswer
from views.bodies import JSON_TYPE, answer
from views.page import Page
from views.problems import not_found
from views.query import limit_of, only

TABLES: Final[dict[str, RowTable]] = {name: cast(RowTable, getattr(tables, name)) for name in tables.__all__}


@app.page("/tables", name="tables")
class Tables(Page):
    """All tables."""

    async def get(self, _request: web.Request) -> web.StreamResponse:
        """Show the workers, and what this one holds of each table."""
        held = (TableAnswer(name, tuple(sorted(it.partitions_held)), count(it)) for name, it in TABLES.items())
        return answer(TablesAnswer(tuple(workers(app)), tuple(held)))


@app.page("/tables/{name}", name="table")
class Table(Page):
    """One table."""

    async def get(self, request: web.Request, name: str) -> web.StreamResponse:
        """Show this worker's rows, by key: those that begin with `prefix` and come behind `after`, at most `limit`."""
        table = _table(name)
        only(request, "prefix", "after", "limit")
        prefix, after = request.query.get("prefix", ""), request.query.get("after", "")
        meant = (key for key in keys(table) if key > after and key.startswith(prefix))
        shown = heapq.nsmallest(limit_of(request), meant)
        return answer(TableRowsAnswer(tuple(TableRow(key, Raw(table.encode(table.row(key)))) for key in shown)))


@app.page("/tables/{name}/{key:.+}", name="table-row")
class TableRowPage(Page):
    """One row."""

    async def get(self, _request: web.Request, name: str, key: str) -> web.StreamResponse:
        """Show the row, if this worker holds it."""
        table = _table(name)
        row = table.row(key)
        if row is None:
            raise not_found("row on this worker")
        return web.Response(body=table.encode(row), content_type=JSON_TYPE)


def keys(table: RowTable) -> Iterator[str]:
    """The keys of the rows that this worker holds."""
    for partition in table.partitions_held:
        yield from table.rows_of(partition)


def count(table: RowTable) -> int:
    """How many rows this worker holds of the table."""
    return sum(len(table.rows_of(partition)) for partition in table.partitions_held)


def _table(name: str) -> RowTable:
    table = TABLES.get(name)
    if table is None:
        raise not_found("table")
    return table
