"""What the healer does with foreign records that it can't read now, or that are newer than what it has itself."""

from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from app.delivery.healing import Healer
from app.delivery.held import Held
from app.delivery.ranges import Ranges


class Topic:
    """How far the topic goes, as the broker says while it is there, and how far it is decided."""

    def __init__(self) -> None:
        self.ranges = Ranges()
        self.ranges.begin({0: 0})
        self.topic = "in"
        self.length = 0
        self.is_away = False

    async def end(self, _topic: str, _partition: int) -> int:
        if self.is_away:
            raise KafkaException(KafkaError(KafkaError._TRANSPORT))
        return self.length

    def decide(self, last: int) -> None:
        self.ranges.open(0, last).safe = True


class Changelog:
    """What the healer writes there."""

    def __init__(self) -> None:
        self.keys: list[bytes] = []

    def begin(self, *_: Any) -> "Changelog":
        return self

    def send(self, _topic: str, key: bytes, _value: Any, **_more: Any) -> None:
        self.keys.append(key)

    async def done(self) -> None:
        """All is there."""


async def yes() -> bool:
    return True


@pytest.fixture
def held() -> Held:
    return Held(bytes.decode, len)


@pytest.fixture
def topic() -> Topic:
    return Topic()


@pytest.fixture
def changelog() -> Changelog:
    return Changelog()


@pytest.fixture
def healer(held: Held, topic: Topic, changelog: Changelog) -> Healer:
    app: Any = SimpleNamespace(
        ends=topic,
        sink=changelog,
        drain=SimpleNamespace(is_member=yes),
        guard=SimpleNamespace(check=lambda _: None),
        stats=SimpleNamespace(healed=0),
    )
    table: Any = SimpleNamespace(held=lambda _: held, encoded=lambda *_: b"", changelog_topic_name="changelog")
    lane: Any = topic
    return Healer(app, lane, table)


def somebody_else_writes(healer: Healer) -> None:
    healer.begin([0])
    healer.acknowledged(0, 0, 2)
    healer.acknowledged(0, 6, 1)  # somebody else wrote 2 to 5


async def test_a_range_that_cant_be_read_now_is_read_later(
    healer: Healer, held: Held, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else_writes(healer)
    asked: list[Any] = []
    answers = iter([None, {b"overwritten"}, {b"overwritten"}])

    async def keys(*foreign: int) -> set[bytes] | None:
        asked.append(foreign)
        return next(answers)

    monkeypatch.setattr(healer, "_keys", keys)
    await healer._diagnose()
    assert held.sick == set()
    topic.is_away = True
    await healer._diagnose()
    assert held.sick == set()
    topic.is_away = False
    await healer._diagnose()
    assert held.sick == {b"overwritten"}
    await healer._diagnose()
    assert asked == [(0, 2, 6)] * 3


async def test_nothing_is_written_again_before_all_is_decided_that_the_other_may_have_decided(
    healer: Healer, held: Held, topic: Topic, changelog: Changelog, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else_writes(healer)

    async def keys(*_: int) -> set[bytes]:
        return {b"overwritten"}

    monkeypatch.setattr(healer, "_keys", keys)
    topic.length = 10
    await healer._diagnose()
    topic.length = 20  # what comes later was not there to be decided
    for last in (4, 8):
        topic.decide(last)
        await healer._heal()
        assert (changelog.keys, held.sick) == ([], {b"overwritten"})
    topic.decide(9)
    await healer._heal()
    assert (changelog.keys, held.sick) == ([b"overwritten"], set())


async def test_what_is_ill_stays_so_when_the_group_agrees_anew_and_goes_with_the_rows(
    healer: Healer, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else_writes(healer)
    healer.begin([0])
    assert held.foreign == [(2, 6)]

    fresh = Held(bytes.decode, len)
    monkeypatch.setattr(healer._table, "held", lambda _: fresh)
    healer.begin([0])
    healer.acknowledged(0, 0, 1)
    assert (fresh.foreign, fresh.read_to, held.read_to) == ([], 1, 7)
