"""What a load run is going to place."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from app.cli.catalogue import CATALOGUE
from app.cli.load_plan import CANCEL_WITHIN_S, LoadOptions, plan
from schemas.http import OrderRequest

OPTIONS = LoadOptions(
    orders=200,
    rate_per_s=50,
    products=tuple(product.product_id for product in CATALOGUE),
    lines=(1, 5),
    cancel_share=0.0,
    double_share=0.0,
    concurrency=8,
    seed=7,
    timeout_s=60,
)


def test_orders_are_due_at_a_steady_rate() -> None:
    assert [order.due_s for order in plan(OPTIONS)] == pytest.approx([number / 50 for number in range(200)])


def test_without_a_rate_nothing_is_due_at_a_time() -> None:
    assert {order.due_s for order in plan(replace(OPTIONS, rate_per_s=0))} == {None}


def test_orders_keep_the_contract_and_their_bounds() -> None:
    counts = set()
    for order in plan(OPTIONS):
        read = msgspec.json.decode(msgspec.json.encode(order.body), type=OrderRequest)
        products = [item.product_id for item in read.items]
        assert len(set(products)) == len(products)
        counts.add(len(products))
    assert counts == {1, 2, 3, 4, 5}


def test_an_order_has_no_more_lines_than_there_are_products() -> None:
    few = plan(replace(OPTIONS, products=("a", "b"), lines=(1, 5)))
    assert {len(order.body["items"]) for order in few} == {1, 2}


def test_a_seed_makes_the_same_choices_under_new_ids() -> None:
    first, second = (list(plan(replace(OPTIONS, cancel_share=0.3, double_share=0.3))) for _ in range(2))
    assert [order.body["items"] for order in first] == [order.body["items"] for order in second]
    assert [(o.doubled, o.cancel_after_s) for o in first] == [(o.doubled, o.cancel_after_s) for o in second]
    assert len({order.order_id for order in (*first, *second)}) == 400


@pytest.mark.parametrize(("share", "expected"), [(0.0, range(1)), (0.5, range(70, 131)), (1.0, range(200, 201))])
def test_shares_are_shares_of_the_orders(share: float, expected: range) -> None:
    orders = list(plan(replace(OPTIONS, cancel_share=share, double_share=share)))
    assert sum(order.doubled for order in orders) in expected
    cancelled = [order.cancel_after_s for order in orders if order.cancel_after_s is not None]
    assert len(cancelled) in expected
    assert all(0 <= after_s <= CANCEL_WITHIN_S for after_s in cancelled)
