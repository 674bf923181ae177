"""A load run against a shop that is told how to behave: what is placed, repeated and counted."""

from __future__ import annotations

from dataclasses import replace
from itertools import repeat
from typing import Any

import pytest
from aiohttp import web

from app.cli.api import Api, Failure
from app.cli.load import check_ready
from app.cli.load_plan import LoadOptions
from app.cli.load_report import Tally
from app.cli.load_run import LoadRun
from tests.unit.cli.stub_shop import StubShop
from tests.unit.cli.stub_worker import stub_worker, told

OPTIONS = LoadOptions(
    orders=20,
    rate_per_s=0,
    products=("a", "b", "c"),
    lines=(1, 3),
    cancel_share=0.0,
    double_share=0.0,
    concurrency=4,
    seed=7,
    timeout_s=20,
)


async def run(shop: StubShop, **choices: Any) -> Tally:
    async with stub_worker(shop.answer) as url, Api([url], "k", connections=64) as api:
        return await LoadRun(api, replace(OPTIONS, **choices), lambda: None, lambda: None).run()


async def test_every_order_is_placed_once_and_followed_to_its_rest() -> None:
    shop = StubShop(ends={3: ("REJECTED", "OUT_OF_STOCK"), 4: ("NEEDS_ATTENTION", None)})
    tally = await run(shop)

    assert tally.good
    assert (tally.placed, len(shop.posted), max(shop.posted.values())) == (20, 20, 1)
    assert tally.ends == {"SHIPPED": 18, "REJECTED": 1, "NEEDS_ATTENTION": 1}
    assert tally.reasons == {"OUT_OF_STOCK": 1}
    assert len(tally.rest_s) == 20
    assert tally.lasted_s >= max(tally.rest_s) > 0


async def test_a_busy_worker_gets_the_same_order_again() -> None:
    shop = StubShop(busy_posts=5)
    tally = await run(shop)
    assert tally.good
    assert tally.retries == 5
    assert list(shop.posted.values()) == list(repeat(1, 20))


async def test_the_rate_is_kept_and_times_count_from_when_an_order_was_due() -> None:
    tally = await run(StubShop(), orders=10, rate_per_s=50.0, concurrency=1)
    assert tally.lasted_s >= 9 / 50
    assert all(late_s >= 0 for late_s in tally.late_s)
    assert all(placed_s >= late_s for placed_s, late_s in zip(tally.placed_s, tally.late_s, strict=True))


async def test_orders_that_had_to_wait_for_a_connection_are_late_and_say_so() -> None:
    tally = await run(StubShop(busy_posts=4), orders=10, rate_per_s=1000.0, concurrency=1)
    # The one connection waits out the busy worker: whatever was due meanwhile is late by that.
    waited_s = tally.placed_s[0]
    assert waited_s > 4 * 0.05
    assert tally.late_s[1] >= waited_s - 1 / 1000 - 0.01
    assert tally.rest_s[1] >= tally.late_s[1]


async def test_doubled_orders_are_posted_twice_and_taken_once() -> None:
    shop = StubShop()
    tally = await run(shop, double_share=1.0)
    assert tally.good
    assert tally.doubled == 20
    assert list(shop.posted.values()) == list(repeat(2, 20))


async def test_a_shop_that_takes_one_order_in_twice_is_found_out() -> None:
    tally = await run(StubShop(forgetful=True), double_share=1.0)
    assert tally.errors == {"one order was taken in twice": 20}
    assert not tally.good


async def test_cancels_follow_their_orders() -> None:
    shop = StubShop()
    tally = await run(shop, cancel_share=1.0)
    assert tally.cancels == 20
    assert shop.cancelled == set(shop.posted)
    assert tally.at_rest == 20


async def test_an_order_that_never_rests_is_named_and_the_run_is_not_good() -> None:
    tally = await run(StubShop(stuck=frozenset({2})), timeout_s=0.5)
    assert [order_id.rpartition("-")[2] for order_id in tally.unsettled] == ["2"]
    assert tally.at_rest == 19
    assert not tally.good


async def test_refused_orders_are_errors_and_are_not_followed() -> None:
    tally = await run(StubShop(refuse=True))
    assert tally.errors == {"place: 422 The body is not valid.": 20}
    assert (tally.placed, tally.at_rest, tally.good) == (0, 0, False)


async def test_a_worker_that_is_not_ready_is_said_before_orders_are_sent() -> None:
    async def answer(_request: web.Request, _body: Any) -> web.Response:
        return told({"status": "recovering"}, 503)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        with pytest.raises(Failure, match=r"can't take orders now: recovering$"):
            await check_ready(api)
