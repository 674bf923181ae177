"""The pages of the list: bounded by number and by size, without gaps and doubles."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from app.domain.order import Status
from schemas.http import ItemAnswer, OrderAnswer, PaymentState, ShipmentState
from schemas.values import Mode
from views import order_list
from views.order_list import LARGEST_PAGE, MOST_AT_ONCE, page_of

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def order(number: int, metadata: dict[str, str]) -> dict[str, Any]:
    at = BEGAN - timedelta(seconds=number)
    made = OrderAnswer(
        f"o{number}", "u", Status.PENDING, None, 1, (ItemAnswer("tea", 1, None),), None, None,
        Mode.AUTO, PaymentState.PENDING, Mode.AUTO, ShipmentState.PENDING, None, None, metadata, at, at,
    )  # fmt: skip
    document: dict[str, Any] = msgspec.to_builtins(made, builtin_types=(datetime,))
    return document


class Orders:
    """The read model, with these orders in it."""

    def __init__(self, count: int, metadata: dict[str, str]) -> None:
        self.documents = [order(number, metadata) for number in range(count)]
        self.asked: list[int] = []

    async def orders(self, _: Mapping[str, str], before: tuple[Any, str] | None, limit: int) -> list[dict[str, Any]]:
        begins = 0 if before is None else 1 + [it["orderId"] for it in self.documents].index(before[1])
        self.asked.append(limit)
        return self.documents[begins : begins + limit]


async def pages(monkeypatch: pytest.MonkeyPatch, orders: Orders, limit: int) -> list[tuple[OrderAnswer, ...]]:
    monkeypatch.setattr(order_list, "read_model", lambda: orders)
    found, place, is_last = [], None, False
    while not is_last:
        items, is_last = await page_of({}, place, limit)
        found.append(items)
        if items:
            place = items[-1].created_at, items[-1].order_id
    shown = [it.order_id for items in found for it in items]
    assert shown == [it["orderId"] for it in orders.documents]
    return found


@pytest.mark.parametrize(
    ("count", "limit", "sizes"),
    [
        (0, 50, [0]),
        (49, 50, [49]),
        (50, 50, [50]),
        (51, 50, [50, 1]),
        (MOST_AT_ONCE, MOST_AT_ONCE, [MOST_AT_ONCE]),
        (1001, 1000, [1000, 1]),
        (3, 1, [1, 1, 1]),
    ],
)
async def test_a_page_has_as_many_as_are_asked_for(
    monkeypatch: pytest.MonkeyPatch, count: int, limit: int, sizes: list[int]
) -> None:
    orders = Orders(count, {})
    assert [len(items) for items in await pages(monkeypatch, orders, limit)] == sizes
    assert max(orders.asked) <= MOST_AT_ONCE


async def test_a_page_of_large_orders_ends_at_its_size(monkeypatch: pytest.MonkeyPatch) -> None:
    orders = Orders(300, {str(number): "é" * 200 for number in range(20)})
    found = await pages(monkeypatch, orders, 1000)
    sizes = [len(msgspec.json.encode(items)) for items in found]
    assert max(sizes) < LARGEST_PAGE + 1000, "there are commas between them"
    assert min(sizes[:-1]) > LARGEST_PAGE * 0.9


async def test_an_order_that_is_larger_than_a_page_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_list, "LARGEST_PAGE", 10)
    assert [len(items) for items in await pages(monkeypatch, Orders(3, {}), 50)] == [1, 1, 1]
