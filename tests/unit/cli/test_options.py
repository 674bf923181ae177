"""Options that are more than a word or a number."""

from __future__ import annotations

import click
import pytest

from app.cli.command import UrlType
from app.cli.load import NamesType, RangeType
from app.cli.ranges import SECONDS


@pytest.mark.parametrize(("typed", "lines"), [("1-5", (1, 5)), ("3", (3, 3)), ("100-100", (100, 100))])
def test_a_range_has_two_ends_or_one(typed: str, lines: tuple[int, int]) -> None:
    assert RangeType().convert(typed, None, None) == lines


@pytest.mark.parametrize("typed", ["", "-", "5-1", "0-3", "1-101", "1-2-3", "a-b", "1.5", "9" * 5000])
def test_what_is_no_range_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter):
        RangeType().convert(typed, None, None)


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf", "1e400", "-1", "604801", "soon"])
def test_a_wait_ends(typed: str) -> None:
    assert SECONDS.convert("0.5", None, None) == 0.5
    with pytest.raises(click.BadParameter):
        SECONDS.convert(typed, None, None)


def test_names_are_parted_by_commas_and_stand_once() -> None:
    assert NamesType().convert("a, b,,a", None, None) == ("a", "b")


def test_no_names_are_refused() -> None:
    with pytest.raises(click.BadParameter):
        NamesType().convert(" , ", None, None)


@pytest.mark.parametrize("typed", ["http://127.0.0.1:6066", "https://orders.example/base/"])
def test_an_address_is_taken_as_it_is(typed: str) -> None:
    assert UrlType().convert(typed, None, None) == typed


@pytest.mark.parametrize(
    "typed",
    ["", "localhost:6066", "127.0.0.1", "ftp://x", "http://", "http://[", "http://h:99999", "http://h:x", "http://h:0"],
)
def test_what_is_no_address_is_refused(typed: str) -> None:
    with pytest.raises(click.BadParameter, match="is not an address such as"):
        UrlType().convert(typed, None, None)
