"""Rows on their way out: whatever concerns one of them keeps it."""

from __future__ import annotations

from app.delivery.forgetting import Leaving

ROWS = {"a": object(), "b": object()}


def noted() -> Leaving:
    leaving = Leaving()
    for key, row in ROWS.items():
        leaving.note(key, row)
    return leaving


def test_rows_that_nothing_concerns_leave() -> None:
    assert noted().still(ROWS, ["a", "b", "c"]) == ROWS


def test_a_row_that_a_decision_looks_up_stays_also_when_it_changes_nothing() -> None:
    leaving = noted()
    assert leaving.watch(ROWS).get("a") is ROWS["a"]
    assert leaving.still(ROWS, ["a", "b"]).keys() == {"b"}
    assert leaving.keys == ["b"]


def test_a_row_that_was_written_past_the_decisions_stays() -> None:
    assert noted().still({"a": object(), "b": ROWS["b"]}, ["a", "b"]).keys() == {"b"}


def test_a_row_that_is_gone_does_not_leave_again() -> None:
    assert noted().still({}, ["a", "b"]) == {}


def test_watched_rows_are_the_same_rows() -> None:
    watched = noted().watch(ROWS)
    assert (set(watched), len(watched), watched.get("c")) == ({"a", "b"}, 2, None)


def test_nothing_is_watched_while_nothing_leaves() -> None:
    leaving = noted()
    leaving.clear()
    assert leaving.watch(ROWS) is ROWS
