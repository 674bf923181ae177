"""How long an order stood still is told by the log: from step to step, and not after its end."""

from app.adapters.kafka_log import LogRecord
from bench.standstill import Standstill, told


def record(order_id: str, at_ms: int, kind: str) -> LogRecord:
    return LogRecord("orders", 0, 0, at_ms, order_id.encode(), b'{"__faust":{"ns":"order.%s.v1"}}' % kind.encode())


def test_the_longest_time_between_two_steps_counts_in_whatever_order_they_are_read() -> None:
    steps = [("paid", 900), ("place", 100), ("shipped", 950), ("reserved", 200)]
    assert told(record("o1", at_ms, kind) for kind, at_ms in steps).longest == [Standstill("o1", 700, 200)]


def test_what_is_said_again_after_the_end_does_not_count() -> None:
    steps = [("place", 100), ("shipped", 150), ("paid", 9000), ("shipped", 9100)]
    assert told(record("o1", at_ms, kind) for kind, at_ms in steps).worst_ms == 50


def test_an_order_without_an_end_is_told() -> None:
    found = told([record("o1", 100, "place"), record("o2", 100, "place"), record("o2", 180, "rejected")])
    assert (found.unfinished, found.worst_ms) == (["o1"], 80)


def test_nothing_is_a_story_too() -> None:
    assert (told([]).worst_ms, told([]).unfinished) == (0, [])
