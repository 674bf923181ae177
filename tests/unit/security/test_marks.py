"""A mark is one that a worker of ours has made, for just this request, lately."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.security.marks import GOOD_FOR_S, is_mark, make_mark

SECRET = "0123456789abcdef0123456789abcdef"
SAID = ("x-forwarded-to-owner", "r-1", "key")
MARK = make_mark(SECRET, 1000.0, *SAID)


def test_a_mark_is_known_for_a_while() -> None:
    assert is_mark(MARK, SECRET, 1000.0 + GOOD_FOR_S, *SAID)
    assert is_mark(MARK, SECRET, 1000.0 - GOOD_FOR_S, *SAID)
    assert not is_mark(MARK, SECRET, 1001.0 + GOOD_FOR_S, *SAID)
    assert not is_mark(MARK, SECRET, 999.0 - GOOD_FOR_S, *SAID)


@pytest.mark.parametrize("number", range(3))
def test_it_is_for_one_request_only(number: int) -> None:
    said = list(SAID)
    said[number] += "x"
    assert not is_mark(MARK, SECRET, 1000.0, *said)


def test_nobody_else_can_make_one() -> None:
    assert not is_mark(make_mark("another secret", 1000.0, *SAID), SECRET, 1000.0, *SAID)
    assert not is_mark(make_mark("", 1000.0, *SAID), "", 1000.0, *SAID)
    assert not is_mark(MARK.replace("1000", "1001"), SECRET, 1000.0, *SAID)


@given(st.text())
def test_any_text_is_no_mark(text: str) -> None:
    for mark in (text, f"1000.{text}", f"{text}.{MARK}"):
        assert not is_mark(mark, SECRET, 1000.0, *SAID)
