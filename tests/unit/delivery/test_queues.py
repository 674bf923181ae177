"""Entries of queues from the changelog: the newest one counts, and what was deleted does not come back."""

from __future__ import annotations

import pytest

from app.delivery.queues import Entry, Queues, changelog_key

KEY = changelog_key(b"k", 11)
WAITING, GONE = Entry(11), Entry(50, gone=True)


@pytest.fixture
def queues() -> Queues:
    return Queues()


def restore(queues: Queues, *entries: Entry | None) -> list[bool]:
    return [queues.restore(KEY, None if it is None else it.encode()) for it in entries]


def test_an_entry_that_a_late_writer_brings_is_told_apart(queues: Queues) -> None:
    assert restore(queues, WAITING, GONE, WAITING) == [True, True, False]
    assert queues.encoded(KEY) == GONE.encode()
    assert queues.blocked == 0


def test_what_is_forgotten_is_to_be_deleted_once(queues: Queues) -> None:
    restore(queues, WAITING, GONE)
    assert queues.forget(50) == []
    assert queues.forget(51) == [KEY]
    assert queues.encoded(KEY) is None
    assert restore(queues, WAITING, GONE, None) == [True, True, True]
    assert queues.forget(51) == []


def test_what_a_late_writer_brings_behind_a_deletion_blocks_nothing_and_is_deleted_again(queues: Queues) -> None:
    assert restore(queues, WAITING, GONE, None, WAITING)[-1] is False
    assert queues.blocked == 0
    assert queues.forget(51) == [KEY]


def test_a_deletion_that_is_read_before_its_commit_is_known_is_no_end(queues: Queues) -> None:
    """Offsets that somebody has set back: the messages are read again, and what took this one off is among them."""
    restore(queues, WAITING, GONE, None)
    assert queues.forget(50) == []
    queue = queues.get(b"k")
    assert queue is not None
    assert queue.entries[11] == GONE


def test_a_deletion_of_what_still_waits_is_not_ours(queues: Queues) -> None:
    assert restore(queues, WAITING, None) == [True, False]
    assert queues.blocked == 1
