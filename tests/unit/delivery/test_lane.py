"""How long a worker says that its messages have waited."""

import pytest
from faust.types import TP

from app.delivery import lane as lanes
from app.delivery.inbox import Batch, Inbox
from app.delivery.lane import Lane
from tests.unit.clock import Clock
from tests.unit.delivery.records import FakeRecord

NOW_S = 1_700_000_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock(NOW_S)
    monkeypatch.setattr(lanes.time, "time", clock)
    return clock


def lane_with_a_message_of(came_s: float) -> Lane:
    lane = Lane("orders", Inbox(10, 5))
    lane.begin(1, {0: 0})
    lane.inbox.put(Batch(TP("orders", 0), 1, [FakeRecord(0, timestamp=int(came_s * 1000))]))
    return lane


def test_a_message_waits_from_when_it_came_into_the_log(clock: Clock) -> None:
    lane = lane_with_a_message_of(NOW_S + 2)
    clock.now_s = NOW_S + 7
    assert lane.behind_s == 5


def test_while_nobody_owned_its_partition_a_message_did_not_wait_for_this_worker(clock: Clock) -> None:
    lane = lane_with_a_message_of(NOW_S - 60)
    assert lane.behind_s == 0
    clock.now_s = NOW_S + 4
    assert lane.behind_s == 4


def test_a_later_generation_begins_to_count_anew(clock: Clock) -> None:
    lane = lane_with_a_message_of(NOW_S - 60)
    clock.now_s = NOW_S + 4
    lane.begin(2, {0: 0})
    lane.inbox.put(Batch(TP("orders", 0), 2, [FakeRecord(0, timestamp=int((NOW_S - 60) * 1000))]))
    assert lane.behind_s == 0
