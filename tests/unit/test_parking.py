"""Whatever another program sends, its dead letter fits into the topic of dead letters."""

from typing import Any

import pytest

from app import topics
from app.delivery import LARGEST_RECORD_BYTES, Kind, Parked
from app.delivery.batch import Batch
from app.delivery.tracing import onward
from schemas.dead_letters import DeadLetter
from tests.unit.delivery.records import FakeRecord

PARKED = Parked(Kind.REFUSED, "not a valid record", 5)
SMALL = [("from", b"another program")]


def letter_of(value: bytes, headers: Any) -> tuple[DeadLetter, int]:
    """The letter, and the bytes of a batch that holds nothing else."""
    send = topics.park(FakeRecord(5, value=value, headers=headers), PARKED)
    batch = Batch(0.0)
    batch.add([(send.key, send.value, send.headers)], lambda *_: None)
    letter = topics.read_dead_letter(send.value)
    assert isinstance(letter, DeadLetter)
    return letter, batch.size_bytes


@pytest.mark.parametrize(
    ("value", "headers"),
    [
        (b"x" * 5_000_000, SMALL),  # compressed it had room
        (b"x", [("", b"")] * 520_000),
        (b"x", [("\x01" * 1_000_000, b"")]),  # six bytes each, in JSON
    ],
)
def test_one_that_is_too_large_is_without_its_message_and_says_where_that_stands(value: bytes, headers: Any) -> None:
    letter, size = letter_of(value, headers)
    assert size <= LARGEST_RECORD_BYTES
    assert (letter.value, letter.headers) == (None, ())
    assert letter.error == "not a valid record (too large to be kept, it stands at orders-0-5)"


def test_one_of_a_message_with_an_endless_key_has_the_beginning_of_it() -> None:
    send = topics.park(FakeRecord(5, key=b"k" * 1_800_000), PARKED)
    batch = Batch(0.0)
    batch.add([(send.key, send.value, send.headers)], lambda *_: None)
    assert batch.size_bytes < 10_000
    assert send.key == b"k" * 1_000


def test_one_of_a_message_that_is_as_large_as_a_topic_takes_is_whole() -> None:
    letter, size = letter_of(b"x" * 1_048_000, SMALL)
    assert size <= LARGEST_RECORD_BYTES
    assert letter.value is not None
    assert letter.headers == (("from", "YW5vdGhlciBwcm9ncmFt"),)


def test_only_a_trace_that_can_be_read_goes_on_with_what_a_message_causes() -> None:
    """Another one might be as large as a message may be, and what goes out with it larger."""
    trace = b"00-" + b"a" * 32 + b"-" + b"b" * 16 + b"-01"
    endless = "traceparent", b"0" * 1_048_380
    assert onward([endless, ("traceparent", trace), ("other", b"")]) == (("traceparent", trace),)
    assert onward([endless]) == ()
    assert onward(()) == ()
