"""The audit of a shop some of whose orders have left the tables, and whose changelogs no longer say so."""

from __future__ import annotations

import pytest

from app.audit import books
from app.audit.report import Kind
from app.participants.farewell import farewell
from app.participants.leaving import KEEPING
from tests.unit.audit.history import History

CHANGELOGS = [table.changelog for table in (books.ORDERS, books.PAYMENTS, books.SHIPMENTS, books.INVENTORY)]
AFTER_RETENTION_MS = 10_000 + KEEPING.order_ms + KEEPING.leg_ms


@pytest.fixture
def shop() -> History:
    """One order has shipped, one was rejected; both have said farewell."""
    made = History()
    made.supply("tea", 5)
    made.place("shipped", tea=2)
    made.place("rejected", method="declined", tea=1)
    for row in list(made.rows["orders"].values()):
        for send in farewell(row):
            made._send(send)
    made.run()
    return made


def forget(shop: History) -> None:
    """Compaction has removed all that is said of the orders, and that they were deleted."""
    for changelog in CHANGELOGS:
        kept = [it for it in shop.records[changelog] if it.key == b"tea"]
        shop.records[changelog] = [it._replace(offset=offset) for offset, it in enumerate(kept)]


def test_what_has_left_in_time_is_not_missed(shop: History) -> None:
    assert shop.found() == []
    forget(shop)
    shop.now_ms = AFTER_RETENTION_MS
    assert shop.found() == []


def test_what_has_left_too_early_is_missed(shop: History) -> None:
    forget(shop)
    shop.now_ms = KEEPING.order_ms
    missing = {orders for kind, orders, _ in shop.found() if kind is Kind.ROW_MISSING}
    assert missing >= {("shipped",), ("rejected",)}
