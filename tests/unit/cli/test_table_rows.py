"""Rows of the live tables: gathered from all workers, and shown."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from app.cli import table_rows
from app.cli.table_rows import Kept, View, merged
from schemas.codec import encode
from tests.unit.schemas.examples import BY_NAMESPACE


def row(kind: str) -> Any:
    """An example of this kind, as a worker sends it."""
    return orjson.loads(encode(BY_NAMESPACE[kind]))


@pytest.mark.parametrize(
    ("view", "line"),
    [
        (
            table_rows.ORDERS,
            (
                *("123", "456", "UNDOING", "no longer needed", 2, "789 x2 RESERVED, cup.blue_1-a x1 REJECTED", 3_998),
                *("AUTHORIZED", "CALLED_OFF", "payment REVERSE, line:789 RELEASE", "2023-11-14T22:13:20.250Z"),
            ),
        ),
        (table_rows.STOCK, ("789", "Tea", 10, 3, 7, 1_999, "USD", 5, "2023-11-14T22:13:20.000Z")),
    ],
)
def test_a_row_of_the_log_is_shown_in_one_line(view: View, line: tuple[object, ...]) -> None:
    assert view.cells(row(view.kind)) == line


@pytest.mark.parametrize(
    "view", [table_rows.RESERVATIONS, table_rows.ADJUSTMENTS, table_rows.PAYMENTS, table_rows.SHIPMENTS]
)
def test_every_column_finds_its_field(view: View) -> None:
    shown = view.cells(row(view.kind))
    assert len(shown) == len(view.columns)
    assert all(isinstance(cell, str | int) for cell in shown)


def test_what_is_not_under_way_is_an_empty_cell() -> None:
    payment = row("payment.row.v1")
    payment["payment"]["pending"] = None
    at = [column.title for column in table_rows.PAYMENTS.columns].index("under way")
    assert table_rows.PAYMENTS.cells(payment)[at] is None


def test_a_phase_that_has_not_happened_has_no_offset() -> None:
    held = row("reservation.row.v1")
    held["reservation"] |= {"reserved_at": 4, "settled_at": -1}
    assert table_rows.RESERVATIONS.cells(held)[-2:] == (4, None)


def test_the_rows_of_all_workers_are_one_table_by_key() -> None:
    one = [Kept("b", {"n": 1}), Kept("d", {"n": 2})]
    two = [Kept("a", {"n": 3}), Kept("c", {"n": 4})]
    assert [kept.key for kept in merged([one, two])] == ["a", "b", "c", "d"]


def test_a_key_that_two_workers_show_stands_once() -> None:
    assert merged([[Kept("a", {"n": 1})], [Kept("a", {"n": 2})]]) == [Kept("a", {"n": 1})]


def test_a_view_takes_the_rows_of_its_kind_alone() -> None:
    rows = [Kept("789", row("stock.row.v1")), Kept("789/order/123", row("reservation.row.v1"))]
    assert table_rows.STOCK.of(rows) == [rows[0].row]
