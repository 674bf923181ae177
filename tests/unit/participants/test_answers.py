"""What the log makes of an Idempotency-Key: the first claim and the first answer count, however often they are read."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from faust import Record
from hypothesis import given
from hypothesis import strategies as st

from app import topics
from app.delivery import Refused
from app.delivery.timers import Timers
from app.participants.answers import RING_AGAIN_MS, AnswerClock, decide
from schemas.codec import encode
from schemas.idempotency import AnswerRow, ClaimKey, ForgetAnswer, KeepAnswer, KeptAnswer

KEY = "00ff"
FIRST, SECOND = (KeptAnswer(status, {"Location": "/v1/orders/1"}, "{}") for status in (201, 200))


@dataclass
class Told:
    """A record of the topic; its time is its offset."""

    value: bytes
    offset: int
    key: bytes = KEY.encode()
    topic: str = topics.ANSWERS
    partition: int = 0
    headers: tuple[Any, ...] = field(default=())

    @property
    def timestamp(self) -> int:
        return 1_000 * self.offset


def read(rows: dict[str, AnswerRow], offset: int, message: Record) -> None:
    effects = decide(rows, Told(encode(message), offset))
    assert effects.sends == ()
    for key, row in effects.rows:
        if row is None:
            del rows[key]
        else:
            rows[key] = row


def after(*messages: Record) -> AnswerRow | None:
    rows: dict[str, AnswerRow] = {}
    for offset, message in enumerate(messages):
        read(rows, offset, message)
    return rows.get(KEY)


def claim(fingerprint: str = "a") -> ClaimKey:
    return ClaimKey(KEY, fingerprint=fingerprint)


def keep(answer: KeptAnswer = FIRST, fingerprint: str = "a") -> KeepAnswer:
    return KeepAnswer(KEY, fingerprint=fingerprint, answer=answer)


@pytest.mark.parametrize(
    ("messages", "row"),
    [
        ([claim()], AnswerRow(KEY, "a", 0, 0)),
        ([claim("a"), claim("b")], AnswerRow(KEY, "a", 0, 0)),
        ([claim(), keep()], AnswerRow(KEY, "a", 1, 1_000, FIRST)),
        ([claim(), keep(FIRST), keep(SECOND)], AnswerRow(KEY, "a", 1, 1_000, FIRST)),
        ([claim(), keep(), claim("b")], AnswerRow(KEY, "a", 1, 1_000, FIRST)),
        ([claim("a"), keep(fingerprint="b")], AnswerRow(KEY, "a", 0, 0)),
        ([keep()], None),
        ([claim(), ForgetAnswer(KEY, offset=0)], None),
        ([claim(), keep(), ForgetAnswer(KEY, offset=0)], AnswerRow(KEY, "a", 1, 1_000, FIRST)),
        ([claim(), keep(), ForgetAnswer(KEY, offset=1)], None),
        ([claim(), keep(), ForgetAnswer(KEY, offset=1), keep(SECOND)], None),
        ([claim(), ForgetAnswer(KEY, offset=0), claim("b")], AnswerRow(KEY, "b", 2, 2_000)),
        ([ForgetAnswer(KEY, offset=7)], None),
    ],
)
def test_the_first_claim_and_the_first_answer_count(messages: list[Record], row: AnswerRow | None) -> None:
    assert after(*messages) == row


@st.composite
def histories(draw: st.DrawFn) -> list[Record]:
    """Messages in any order; one that has a row forgotten names an earlier message, since it was made from the row."""
    messages: list[Record] = []
    for offset in range(draw(st.integers(0, 8))):
        kinds = [
            st.sampled_from("ab").map(claim),
            st.builds(keep, st.sampled_from([FIRST, SECOND]), st.sampled_from("ab")),
        ]
        if offset:
            kinds.append(st.integers(0, offset - 1).map(lambda earlier: ForgetAnswer(KEY, offset=earlier)))
        messages.append(draw(st.one_of(kinds)))
    return messages


@given(histories(), st.integers(0, 8))
def test_an_answer_that_was_given_is_given_again_after_a_crash(messages: list[Record], committed: int) -> None:
    """What lies behind the last commit is read again, over the rows as they were left."""
    rows: dict[str, AnswerRow] = {}
    for offset, it in enumerate(messages):
        read(rows, offset, it)
    left = rows.get(KEY)
    for offset, it in list(enumerate(messages))[committed:]:
        read(rows, offset, it)
    if left is not None and left.answer is not None:
        assert rows[KEY] == left


@pytest.mark.parametrize("value", [b"{}", b"\xff", encode(ForgetAnswer("other", offset=1))])
def test_what_belongs_to_no_key_is_refused(value: bytes) -> None:
    with pytest.raises(Refused):
        decide({}, Told(value, 0))


class OneRow:
    """Stands in for the table: what the timers see of it."""

    def __init__(self, row: AnswerRow) -> None:
        self._row = row

    def rows_of(self, _partition: int) -> dict[str, AnswerRow]:
        return {KEY: self._row}


@pytest.mark.parametrize("answer", [None, FIRST])
def test_a_row_is_told_to_be_forgotten_when_its_time_is_over_and_again_while_it_is_there(
    answer: KeptAnswer | None,
) -> None:
    now_ms = 1_000
    timers = Timers(OneRow(AnswerRow(KEY, "a", 7, 1_000, answer)), AnswerClock(5_000), lambda: now_ms)  # type: ignore[arg-type]  # a stand-in
    timers.begin([0])
    now_ms = 5_999
    assert timers.due() == []
    now_ms = 6_000
    (told,) = timers.due()
    assert (told.topic, told.key, told.value) == (topics.ANSWERS, b"00ff", encode(ForgetAnswer(KEY, offset=7)))
    now_ms += RING_AGAIN_MS - 1
    assert timers.due() == []
    now_ms += 1
    assert timers.due() == [told]
