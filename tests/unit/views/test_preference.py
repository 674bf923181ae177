"""`Prefer: wait`: which wishes are understood, and how far they are granted."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from views.preference import applied, wait_s


@pytest.mark.parametrize(
    ("given", "seconds"),
    [
        ([], 0),
        (["wait=5"], 5),
        (["WAIT = 5"], 5),
        (['wait="5"'], 5),
        (["respond-async, wait=10"], 10),
        (["respond-async", "wait=10"], 10),
        (["wait=3, wait=9"], 3),
        (["wait=5; foo=bar"], 5),
        (["wait=30"], 30),
        (["wait=31"], 30),
        (["wait=999999999"], 30),
        (["wait=0"], 0),
        (["wait=-1"], 0),
        (["wait=1.5"], 0),
        (["wait"], 0),
        (["wait=soon"], 0),
        (["await=5"], 0),
        (["wait=" + "9" * 5000], 0),
    ],
)
def test_wait(given: list[str], seconds: int) -> None:
    headers = CIMultiDict([("prefer", value) for value in given])
    assert wait_s(CIMultiDictProxy(headers)) == seconds


def test_only_a_wait_that_was_heeded_is_told() -> None:
    assert (applied(0), applied(7)) == ({}, {"Preference-Applied": "wait=7"})
