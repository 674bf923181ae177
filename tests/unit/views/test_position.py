"""Positions: what a client is given comes back as it was, and what it makes up is refused."""

from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from app import topics
from app.main import app
from views.position import MOST_POSITIONS, POSITION, Position, position_in, positions_of
from views.problems import Problem

PARTITIONS = app.partitions_of(topics.ORDERS)
POSITIONS = st.builds(Position, st.just(topics.ORDERS), st.integers(0, PARTITIONS - 1), st.integers(0, 10**18 - 1))


def request(*headers: str) -> web.Request:
    return make_mocked_request("GET", "/", headers=CIMultiDict((POSITION, it) for it in headers))


def status_of(read: Callable[..., Any], *args: Any) -> int:
    with pytest.raises(Problem) as raised:
        read(*args)
    return raised.value.status


@given(st.lists(POSITIONS, min_size=1, max_size=5))
def test_positions_come_back_as_they_were_given(given_positions: list[Position]) -> None:
    assert positions_of(request(", ".join(map(str, given_positions))), topics.ORDERS) == given_positions
    assert positions_of(request(*map(str, given_positions)), topics.ORDERS) == given_positions


def test_without_the_header_nothing_is_asked_for() -> None:
    assert positions_of(request(), topics.ORDERS) == []
    assert position_in(request(), topics.ORDERS, 3) is None


@pytest.mark.parametrize(
    "text",
    ["", "orders", "orders-3", "orders-3-", "orders--3-4", "orders-3-4-5", "orders-3-x", "orders-3-1.5", "ORDERS-3-4",
     "orders-٣-4", "orders-3-4,", "orders-3-" + "9" * 19, "orders-3-4\x00", " "],
)  # fmt: skip
def test_what_is_no_position_is_a_bad_header(text: str) -> None:
    assert status_of(positions_of, request(text), topics.ORDERS) == 400


def test_more_positions_than_are_of_use_are_a_bad_header() -> None:
    many = ",".join(["orders-0-1"] * (MOST_POSITIONS + 1))
    assert status_of(positions_of, request(many), topics.ORDERS) == 400


@pytest.mark.parametrize(
    "text", ["inventory-3-4", "payments-3-4", f"orders-{PARTITIONS}-4", "orders-3-4,inventory-3-4"]
)
def test_a_position_in_something_else_is_not_valid(text: str) -> None:
    assert status_of(positions_of, request(text), topics.ORDERS) == 422


def test_of_one_thing_the_latest_position_counts_and_anothers_is_not_valid() -> None:
    assert position_in(request("orders-3-4, orders-3-9, orders-3-7"), topics.ORDERS, 3) == (topics.ORDERS, 3, 9)
    assert status_of(position_in, request("orders-3-4, orders-2-9"), topics.ORDERS, 3) == 422


@given(POSITIONS)
def test_a_position_is_told_in_one_short_header(position: Position) -> None:
    assert position.headers == {POSITION: str(position)}
    assert len(str(position)) <= 40
