"""New orders while messages wait: refused once these have waited for too long, and only then."""

import time
from collections.abc import Iterator

import pytest
from faust.types import TP

import agents  # noqa: F401 - they make the lanes
from app import topics
from app.delivery.inbox import Batch
from app.main import app, settings
from tests.unit.delivery.records import FakeRecord
from views.backlog import refuse_when_behind
from views.problems import Problem

WORK = (topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING, topics.ANSWERS)


@pytest.fixture(autouse=True)
def empty_again() -> Iterator[None]:
    yield
    for lane in app.lanes.values():
        lane.inbox.clear()


def waiting(topic: str, *ages_s: float) -> None:
    """Have messages wait that came into the log so long ago."""
    for offset, age_s in enumerate(ages_s):
        record = FakeRecord(offset, topic, timestamp=int((time.time() - age_s) * 1000))
        app.lanes[topic].inbox.put(Batch(TP(topic, 0), 1, [record]))


def test_orders_are_taken_while_nothing_waits() -> None:
    refuse_when_behind()
    assert all(lane.behind_s == 0 for lane in app.lanes.values())


@pytest.mark.parametrize("topic", WORK)
def test_orders_are_refused_while_the_oldest_message_of_a_participant_has_waited_for_too_long(topic: str) -> None:
    waiting(topic, settings.busy_after_s + 0.5, 0.0)
    with pytest.raises(Problem) as raised:
        refuse_when_behind()
    assert raised.value.status == 503
    assert raised.value.headers["Retry-After"] == "1"


@pytest.mark.parametrize("topic", WORK)
def test_orders_are_taken_while_messages_wait_for_less(topic: str) -> None:
    waiting(topic, settings.busy_after_s - 0.5, 0.0)
    refuse_when_behind()


def test_a_projection_that_is_behind_refuses_no_order() -> None:
    waiting(topics.ORDER_EVENTS, 1000.0)
    refuse_when_behind()


def test_a_clock_behind_the_broker_s_makes_nothing_wait() -> None:
    waiting(topics.ORDERS, -5.0)
    assert app.lanes[topics.ORDERS].behind_s == 0
