"""What becomes of messages whose decision fails, of those behind them, and of replays and drops."""

from collections import Counter
from typing import Any

import pytest

from app.delivery.blocking import DROP_OF, REPLAY_COUNT, REPLAY_OF, TRIES, Blocking, marks_of
from app.delivery.contract import ConsumerRecord, DeliveryFailed, Effects, Parked, Refused, Rows, Send
from app.delivery.queues import Queues, changelog_key, is_entry
from app.delivery.stats import Stats
from tests.unit.delivery.records import FakeRecord


class Partition:
    """One partition's decisions: values are `good`, `poison` (raises) or `bad` (refused)."""

    def __init__(self) -> None:
        self.queues = Queues()
        self.stats = Stats()
        self.tried: Counter[int] = Counter()
        self.changelog: list[tuple[bytes, bytes]] = []
        self.blocking = Blocking(self.decide, self.park, self.stats)

    def decide(self, rows: Rows, record: ConsumerRecord) -> Effects:
        self.tried[record.offset] += 1
        if record.value == b"poison":
            raise KeyError("price")
        if record.value == b"bad":
            raise Refused("makes no sense")
        return Effects(sends=[Send("out", b"k", b"%d" % record.offset)])

    @staticmethod
    def park(record: ConsumerRecord, parked: Parked) -> Send:
        return Send("dead", b"", f"{parked.kind} {parked.offset} r{parked.replays}".encode())

    def take(
        self, offset: int, value: bytes = b"good", key: bytes | None = b"k", **headers: bytes
    ) -> list[tuple[str, str]]:
        """Handle a message; gives the records that are sent."""
        marks = tuple((name.replace("_", "-"), mark) for name, mark in headers.items())
        record = FakeRecord(offset, key=key, value=value, headers=marks)
        effects, entered, entry = self.blocking.handle({}, self.queues, record)
        if entry is not None:
            assert key is not None
            self.queues.put(key, entered, entry)
            self.changelog.append((changelog_key(key, entered), entry.encode()))
        return [(send.topic, send.value.decode()) for send in effects.sends]

    def replay(self, offset: int, of: int, value: bytes = b"good", count: int = 1, key: bytes = b"k") -> Any:
        return self.take(offset, value, key, x_replay_of=b"orders-0-%d" % of, x_replay_count=b"%d" % count)

    def drop(self, offset: int, of: int) -> Any:
        return self.take(offset, b"", x_drop_of=b"orders-0-%d" % of)


@pytest.fixture
def partition() -> Partition:
    return Partition()


def out(offset: int) -> list[tuple[str, str]]:
    return [("out", str(offset))]


def dead(kind: str, offset: int, replays: int = 0) -> list[tuple[str, str]]:
    return [("dead", f"{kind} {offset} r{replays}")]


def test_a_failed_message_is_tried_again_and_blocks_its_key_only(partition: Partition) -> None:
    assert partition.take(10, b"poison") == dead("failed", 10)
    assert partition.tried[10] == TRIES
    assert partition.take(11) == dead("waiting", 11)
    assert partition.tried[11] == 0
    assert partition.take(12, key=b"other") == out(12)
    assert partition.queues.blocked == 1
    assert (partition.stats.parked, partition.stats.failed, partition.stats.waiting) == (2, 1, 1)


def test_a_decision_that_fails_once_is_no_failure(partition: Partition) -> None:
    def flaky(rows: Rows, record: ConsumerRecord) -> Effects:
        partition.tried[record.offset] += 1
        if partition.tried[record.offset] < TRIES:
            raise KeyError("price")
        return Effects(sends=[Send("out", b"k", b"10")])

    partition.blocking = Blocking(flaky, partition.park, partition.stats)
    assert partition.take(10) == out(10)


def test_a_refused_message_blocks_nothing(partition: Partition) -> None:
    assert partition.take(10, b"bad") == dead("refused", 10)
    assert partition.tried[10] == 1
    assert partition.take(11) == out(11)


def test_a_failed_message_without_a_key_blocks_nothing(partition: Partition) -> None:
    assert partition.take(10, b"poison", key=None) == dead("failed", 10)
    assert partition.take(11, key=None) == out(11)


def test_replays_in_order_end_the_block(partition: Partition) -> None:
    partition.take(10, b"poison")
    partition.take(11)
    assert partition.replay(12, of=10) == out(12)
    assert partition.take(13) == dead("waiting", 13)
    assert partition.replay(14, of=11) == out(14)
    assert partition.replay(15, of=13) == out(15)
    assert partition.queues.blocked == 0
    assert partition.take(16) == out(16)
    assert partition.stats.replayed == 3


def test_a_replay_that_fails_again_keeps_the_block_and_its_name(partition: Partition) -> None:
    partition.take(10, b"poison")
    assert partition.replay(11, of=10, value=b"poison") == dead("failed", 10, replays=1)
    assert partition.replay(12, of=10, value=b"bad", count=2) == dead("refused", 10, replays=2)
    assert partition.take(13) == out(13), "what is refused holds nobody up"


def test_a_replay_out_of_turn_waits_again(partition: Partition) -> None:
    partition.take(10, b"poison")
    partition.take(11)
    assert partition.replay(12, of=11) == dead("waiting", 11, replays=1)
    partition.replay(13, of=10)
    assert partition.replay(12, of=11) == dead("waiting", 11, replays=1), "also when it is read again"
    assert partition.replay(14, of=11, count=2) == out(14)


def test_a_replay_of_a_refused_message_waits_behind_a_block_and_is_decided_without_one(partition: Partition) -> None:
    partition.take(9, b"bad")
    assert partition.replay(10, of=9) == out(10)
    partition.take(11, b"poison")
    assert partition.replay(12, of=9) == dead("waiting", 12, replays=1)


def test_what_is_dropped_releases_what_waits_for_it(partition: Partition) -> None:
    partition.take(10, b"poison")
    partition.take(11)
    partition.take(12)
    assert partition.drop(13, of=11) == []
    assert partition.drop(14, of=10) == []
    assert partition.drop(15, of=10) == [], "twice is once"
    assert partition.replay(16, of=12) == out(16)
    assert partition.take(17) == out(17)
    assert partition.stats.released == 2


def test_reading_again_from_any_point_parks_the_same_letters_and_changes_nothing(partition: Partition) -> None:
    history = [
        lambda: partition.take(8),
        lambda: partition.take(10, b"poison"),
        lambda: partition.take(11),
        lambda: partition.replay(12, of=10, value=b"poison"),
        lambda: partition.take(13),
        lambda: partition.replay(14, of=10, count=2),
        lambda: partition.drop(15, of=11),
    ]
    for step in history:
        step()
    # What was taken off since is neither decided nor parked again: what took it off is read again, too.
    assert [step() for step in history] == [out(8), [], [], [], dead("waiting", 13), out(14), []]
    assert partition.replay(16, of=13) == out(16)


def test_the_block_survives_in_the_changelog_in_any_order_of_its_records(partition: Partition) -> None:
    partition.take(10, b"poison", key=b"a/b\xff")
    partition.take(11, key=b"a/b\xff")
    partition.replay(12, of=10, key=b"a/b\xff")
    successor = Partition()
    for key, value in reversed(partition.changelog):
        assert is_entry(key)
        successor.queues.restore(key, value)
    assert successor.take(13, key=b"a/b\xff") == dead("waiting", 13)
    assert successor.replay(14, of=11, key=b"a/b\xff") == out(14)


def test_what_can_not_be_read_again_is_forgotten(partition: Partition) -> None:
    partition.take(10, b"poison")
    partition.take(11)
    partition.replay(12, of=10)
    partition.queues.forget(12)
    assert partition.take(10, b"poison") == [], "12 may be read again"
    partition.queues.forget(13)
    queue = partition.queues.get(b"k")
    assert queue is not None
    assert set(queue.entries) == {11}
    partition.replay(13, of=11)
    partition.queues.forget(14)
    assert partition.queues.get(b"k") is None


@pytest.mark.parametrize("fault", [DeliveryFailed("gone"), MemoryError(), OSError(28, "no space left")])
def test_a_machine_at_fault_parks_nothing(partition: Partition, fault: Exception) -> None:
    def decide(rows: Rows, record: ConsumerRecord) -> Effects:
        raise fault

    partition.blocking = Blocking(decide, partition.park, partition.stats)
    with pytest.raises(type(fault)):
        partition.take(10)
    assert partition.queues.blocked == 0


@pytest.mark.parametrize(
    "place", [b"", b"orders", b"orders-0-", b"orders-0-x", b"orders-1-3", b"other-0-3", b"orders-0-10", b"orders-0-99"]
)
def test_a_mark_that_names_no_earlier_message_of_the_partition_does_not_count(place: bytes) -> None:
    marks = marks_of(FakeRecord(10, headers=((REPLAY_OF, place), (DROP_OF, place), (REPLAY_COUNT, b"-1"))))
    assert marks == (None, None, 0)
