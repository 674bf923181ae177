"""What a partition makes of its changelog, and what it knows of it afterwards."""

import json
from itertools import count

import pytest

from app.delivery.held import ChangelogRecord, Held
from app.delivery.queues import Entry, changelog_key
from app.delivery.restoring import version_header


@pytest.fixture
def held() -> Held:
    return Held(json.loads, lambda row: row["v"])


def recover(held: Held, *rows: tuple[str, int | None], ends: int | None = None) -> int:
    """Records that follow what was read; `ends` is the version in the header of a deletion."""
    offsets = count(held.read_to)
    headers = () if ends is None else version_header(ends)
    return held.restore(
        ChangelogRecord(
            next(offsets), key.encode(), None if version is None else json.dumps({"v": version}).encode(), headers
        )
        for key, version in rows
    )


def test_the_highest_version_wins_not_the_last_record(held: Held) -> None:
    older = recover(held, ("a", 1), ("a", 3), ("a", 2), ("b", 1))
    assert held.rows == {"a": {"v": 3}, "b": {"v": 1}}
    assert (older, held.sick, held.read_to) == (1, {b"a"}, 4)


def test_a_record_that_says_it_right_again_heals(held: Held) -> None:
    recover(held, ("a", 3), ("a", 2), ("a", 3))
    assert held.sick == set()


def test_a_deleted_row_may_begin_anew(held: Held) -> None:
    recover(held, ("a", 3), ("a", None))
    assert held.rows == {}
    recover(held, ("a", 1))
    assert held.rows == {"a": {"v": 1}}


def test_a_row_of_before_its_deletion_stays_deleted(held: Held) -> None:
    recover(held, ("a", 3))
    recover(held, ("a", None), ends=3)
    recover(held, ("a", 2))
    assert (held.rows, held.sick) == ({}, {b"a"})


def test_an_entry_of_a_queue_is_taken_as_a_row_is(held: Held) -> None:
    entry = changelog_key(b"k", 11)
    values = (Entry(11), Entry(50, gone=True), Entry(11))
    held.restore(ChangelogRecord(offset, entry, value.encode()) for offset, value in enumerate(values))
    assert held.sick == {entry}
    assert held.queues.encoded(entry) == Entry(50, gone=True).encode()


def test_what_was_read_is_not_taken_again(held: Held) -> None:
    """A fetch begins where its batch does, which may be before the offset that was asked for."""
    recover(held, ("a", 1), ("a", 2))
    assert held.restore([ChangelogRecord(1, b"a", b'{"v": 9}'), ChangelogRecord(2, b"a", b'{"v": 3}')]) == 0
    assert (held.rows, held.read_to) == ({"a": {"v": 3}}, 3)


def test_holes_of_compaction_and_records_without_a_key_are_passed(held: Held) -> None:
    held.restore([ChangelogRecord(7, b"a", b'{"v": 1}'), ChangelogRecord(12, None, b"x")])
    assert (held.rows, held.read_to) == ({"a": {"v": 1}}, 13)


def test_a_gap_before_our_own_record_is_somebody_elses(held: Held) -> None:
    recover(held, ("a", 1))
    assert [held.acknowledged(*ours) for ours in ((1, 1), (2, 3), (7, 2), (9, 1))] == [False, False, True, False]
    assert (held.foreign, held.read_to) == ([(5, 7)], 10)


def changelog(*rows: tuple[str, int]) -> list[ChangelogRecord]:
    return [ChangelogRecord(at, key.encode(), json.dumps({"v": v}).encode()) for at, (key, v) in enumerate(rows)]


def test_who_is_given_its_partition_again_reads_what_its_owner_of_meanwhile_has_taken_in(held: Held) -> None:
    """It was given up by the group without knowing it, and wrote once more behind its successor's back."""
    log = changelog(("a", 10), ("new", 12), ("a", 13), ("a", 11))
    held.restore(log[:1])
    held.begin()
    held.rows["a"] = {"v": 11}
    assert held.acknowledged(3, 1)
    held.restore(log[held.rewind() :])
    assert held.rows == {"a": {"v": 13}, "new": {"v": 12}}
    assert (held.foreign, held.read_to, held.rewind()) == ([(1, 3)], 4, 4)


def test_what_has_been_written_again_is_not_read_again(held: Held) -> None:
    held.restore(changelog(("a", 10)))
    assert held.acknowledged(3, 1)
    held.healed()
    assert held.rewind() == 4
