"""Cursors and limits: what comes back from a client is what it was given, or refused."""

import base64
from datetime import UTC, datetime

import pytest
from aiohttp.test_utils import make_mocked_request
from yarl import URL

from views.order_list import BeforeOrder
from views.problems import Problem
from views.query import cursor_of, limit_of, only, to_cursor

PLACE = BeforeOrder(datetime(2026, 1, 2, 3, 4, 5, 678000, UTC), "order-1")


def test_a_cursor_brings_back_its_place() -> None:
    request = make_mocked_request("GET", str(URL("/").with_query(cursor=to_cursor(PLACE))))
    assert cursor_of(request, BeforeOrder) == PLACE


def test_without_a_cursor_one_begins() -> None:
    assert cursor_of(make_mocked_request("GET", "/"), BeforeOrder) is None


DEEP = base64.urlsafe_b64encode(b'["2026-01-02T03:04:05Z","a",' + b"[" * 5000).decode()


@pytest.mark.parametrize(
    "text",
    [
        *("", "x", "%", "bm90IGpzb24", "é" * 9, DEEP),
        *(to_cursor(place) for place in (["2026", "a"], {"a": 1}, ["2026-01-02T03:04:05", "a"])),
        *(to_cursor([at, "a"]) for at in ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00")),
    ],
)
def test_a_cursor_of_ones_own_making_is_refused(text: str) -> None:
    request = make_mocked_request("GET", str(URL("/").with_query(cursor=text)))
    with pytest.raises(Problem) as raised:
        cursor_of(request, BeforeOrder)
    assert raised.value.status == 422


@pytest.mark.parametrize(("query", "limit"), [("", 50), ("?limit=1", 1), ("?limit=1000", 1000)])
def test_a_limit(query: str, limit: int) -> None:
    assert limit_of(make_mocked_request("GET", "/" + query)) == limit


@pytest.mark.parametrize("text", ["", "0", "-1", "1001", "ten", "1.0", "٣", "9" * 5000])
def test_no_limit(text: str) -> None:
    request = make_mocked_request("GET", str(URL("/").with_query(limit=text)))
    with pytest.raises(Problem):
        limit_of(request)


@pytest.mark.parametrize("query", ["?usreId=1", "?limit=1&limit=2"])
def test_parameters_nobody_knows_or_that_stand_twice_are_refused(query: str) -> None:
    with pytest.raises(Problem):
        only(make_mocked_request("GET", "/" + query), "userId", "limit")
