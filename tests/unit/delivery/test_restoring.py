"""What a changelog makes of its rows when somebody who was paused has written into it, too."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.delivery.restoring import Restoring, version_header, version_in

Record = tuple[int, bool]
"""A version, and whether it is the deletion of that row."""


def restored(records: list[Record]) -> tuple[int | None, bool]:
    """The version that is left of a key, and whether the last record was the newest."""
    restoring, rows, newest = Restoring(lambda row: int(row)), dict[str, Any](), True
    for version, deletion in records:
        take = restoring.deletion if deletion else restoring.row
        newest = take(rows, "k", version)
    return rows.get("k"), newest


@given(st.lists(st.integers(1, 9), min_size=1, unique=True), st.data())
def test_the_newest_is_left_in_whatever_order_they_stand(versions: list[int], data: st.DataObject) -> None:
    """The records of an owner, each version once, the last row perhaps deleted; a paused worker's come at any time."""
    ordered = sorted(versions)
    deleted = data.draw(st.booleans())
    ours: list[Record] = [(version, False) for version in ordered]
    if deleted:
        ours.append((ordered[-1], True))
    late = data.draw(st.lists(st.sampled_from(ours)))
    mixed = data.draw(st.permutations(late))
    cut = data.draw(st.integers(0, len(mixed)))
    left, newest = restored([*mixed[:cut], *ours, *mixed[cut:]])
    assert left == (None if deleted else ordered[-1])
    last = [*ours, *mixed[cut:]][-1]
    assert newest == (last == ours[-1] or (not deleted and last == (ordered[-1], False)))


def test_a_row_that_begins_anew_is_newer_than_the_deletion() -> None:
    assert restored([(3, False), (3, True), (7, False)]) == (7, True)


def test_a_row_of_before_a_deletion_stays_away_even_when_only_the_deletion_is_left() -> None:
    assert restored([(5, True), (3, False)]) == (None, False)


def test_a_late_deletion_of_an_older_row_deletes_nothing() -> None:
    assert restored([(3, False), (5, False), (3, True)]) == (5, False)


def test_a_deletion_without_a_version_ends_what_is_known_and_nothing_that_is_still_to_come() -> None:
    """A paused worker was ahead: it wrote the row of a message that the owner decides only after it has healed."""
    restoring, rows = Restoring(lambda row: int(row)), dict[str, Any]()
    assert restoring.row(rows, "k", 5)
    assert restoring.deletion(rows, "k", None)
    assert rows == {}
    assert restoring.row(rows, "k", 5)


def test_a_deletion_without_a_version_does_not_take_the_one_before_it_back() -> None:
    restoring, rows = Restoring(lambda row: int(row)), dict[str, Any]()
    assert restoring.deletion(rows, "k", 5)
    assert not restoring.row(rows, "k", 3)
    assert restoring.deletion(rows, "k", None)
    assert not restoring.row(rows, "k", 4)


@given(st.integers(0, 2**62))
def test_a_version_is_read_back_from_its_header(version: int) -> None:
    assert version_in(version_header(version)) == version


def test_other_headers_say_nothing() -> None:
    assert version_in(()) is None
    assert version_in((("x-version", b"new"),)) is None
