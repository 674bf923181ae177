"""A message whose letter is gone: it may still head the queue of its key, and its name and the key take it off."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app import topics
from app.cli import handling
from app.cli import letters as mail
from app.cli.api import Failure
from app.cli.handling import Deed
from app.cli.letters import Letter, Name, Outgoing, State, found
from app.cli.letters_shown import cells, document
from app.cli.lost_letters import lost
from schemas.dead_letters import Action
from tests.unit.audit.history import History
from tests.unit.cli.test_dlq import parked

GONE = Name(topics.INVENTORY, 0, 1)


@pytest.fixture
def history() -> Iterator[History]:
    """Of the messages about tea the first has failed, others wait; it is mended, but the first letter is gone."""
    logging.disable(logging.ERROR)
    made = History()
    made.supply("tea", 50)
    made.poison = b'stock.reserve.v1"},"order_id":"o1"'
    made.place("o1", tea=1)
    made.place("o2", tea=1)
    made.place("o3", tea=1)
    made.poison = b""
    letters = made.records[topics.DEAD_LETTERS]
    kept = [it for it in letters if topics.read_dead_letter(it.value).offset != GONE.offset]
    made.records[topics.DEAD_LETTERS] = [it._replace(offset=offset) for offset, it in enumerate(kept)]
    yield made
    logging.disable(logging.NOTSET)


class HistoryBox:
    """Sends into the history."""

    def __init__(self, history: History) -> None:
        self._history = history

    def send(self, record: Outgoing) -> int:
        self._history.append(record.topic, record.key, record.value, record.headers)
        return len(self._history.records[record.topic]) - 1


def by_name(history: History) -> dict[Name, Letter]:
    return {it.name: it for it in history.letters()}


def replay_all(history: History) -> None:
    for name, letter in by_name(history).items():
        if letter.state is State.OPEN:
            history.handle(name.topic, name.offset, Action.REPLAY)


def test_a_key_whose_first_letter_is_gone_is_freed_by_its_name_and_the_key(history: History) -> None:
    replay_all(history)
    assert {it.state for it in history.letters()} == {State.OPEN}, "they wait for one that nobody can replay"

    letters = by_name(history)
    stand_ins = lost(letters, [GONE], "tea")
    box = HistoryBox(history)
    done = handling.drop(box, letters | stand_ins, [GONE], Deed(Action.DROP, "ada", "its letter is gone"))  # type: ignore[arg-type]
    history.run()
    assert [(it.name, it.outcome, it.good) for it in done] == [(GONE, "dropped, if it was waited for", True)]
    while [it for it in history.letters() if it.state is State.OPEN]:
        replay_all(history)  # what o2 has asked for meanwhile waits behind o3
    queue = history.queues[topics.INVENTORY].get(b"tea")
    assert queue is not None
    assert not queue.holds()
    assert history.rows["inventory"]["tea"].stock.on_hand == 48, "o2 and o3 are shipped; o1 asks again by its clock"


def test_under_another_key_nothing_is_taken_off(history: History) -> None:
    sent = mail.drop(lost(by_name(history), [GONE], "coffee")[GONE])
    assert sent is not None
    assert (sent.topic, sent.key, sent.value, sent.partition) == (topics.INVENTORY, b"coffee", b"", 0)
    assert sent.headers == [("x-drop-of", str(GONE).encode())]
    history.append(sent.topic, sent.key, sent.value, sent.headers)
    history.run()
    queue = history.queues[topics.INVENTORY].get(b"tea")
    assert queue is not None
    assert queue.head() == GONE.offset


def test_that_it_was_dropped_stays_on_record(history: History) -> None:
    letter = lost({}, [GONE], "tea")[GONE]
    record = mail.record_of(letter, Action.DROP, "ada", "its letter is gone", None, topics.DEAD_LETTERS)
    told = [(topics.read_dead_letter(record.value), 1), (parked(10), 2)]
    assert GONE not in found(told), "a record alone makes no letter"


def test_letters_that_are_there_are_dropped_as_they_are() -> None:
    letters = found([(parked(10, key=b"123"), 1)])
    assert lost(letters, letters, None) == lost(letters, letters, "123") == {}
    with pytest.raises(Failure, match=r"s\.orders-2-10 has another key than 12$"):
        lost(letters, letters, "12")


def test_a_drop_is_sent_only_where_queues_are_and_only_when_the_key_is_said() -> None:
    with pytest.raises(Failure, match=r"There is no dead letter inventory-0-1\. .* say their key with --key"):
        lost({}, [GONE], None)
    for topic in (topics.ORDER_EVENTS, topics.DEAD_LETTERS, "another"):
        with pytest.raises(Failure, match=f"{topic} has no queues"):
            lost({}, [Name(topic, 0, 1)], "tea")


def test_nobody_knows_when_it_was_parked() -> None:
    letter = lost({}, [GONE], "tea")[GONE]
    assert document(letter)["parkedAt"] is None
    assert cells(letter) == ["inventory-0-1", "tea", "failed", "open", None, 0, "its letter is gone"]
