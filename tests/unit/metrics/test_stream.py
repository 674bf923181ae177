"""What delivery counts, as Prometheus gets it."""

from __future__ import annotations

from dataclasses import fields

from prometheus_client import CollectorRegistry, generate_latest

from app.delivery import Stats
from app.delivery.inside import Progress, Recovered
from app.delivery.waited import Waited
from app.metrics.stream import COUNTERS, Group, StreamNumbers

NAMED_OTHERWISE = {"parked", "failed", "waiting", "calls_running"}


def told(numbers: StreamNumbers) -> list[str]:
    registry = CollectorRegistry()
    registry.register(numbers)
    return [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]


def test_all_that_delivery_counts_is_told() -> None:
    assert {field.name for field in fields(Stats)} == COUNTERS.keys() | NAMED_OTHERWISE


def test_partitions_letters_and_the_group_are_told() -> None:
    numbers = StreamNumbers(Stats(messages=7, parked=9, failed=2, waiting=4, calls_running=3))
    assert not [line for line in told(numbers) if line.startswith(("delivery_lag", "delivery_recovering"))]
    held = [Progress("orders", 0, 12, 20), Progress("orders", 1, 5, None)]
    waited = Waited()
    for seconds in (0.02, 0.3, 400.0, -1.0):
        waited.note(seconds)
    numbers.look(held, Group(4, Recovered(True, 30, 100), 1.5), {"orders": 2}, {"orders": waited})
    lines = told(numbers)
    assert {
        "delivery_messages_total 7.0",
        'delivery_dead_letters_total{kind="refused"} 3.0',
        'delivery_dead_letters_total{kind="waiting"} 4.0',
        'delivery_position{partition="1",topic="orders"} 5.0',
        'delivery_lag{partition="0",topic="orders"} 8.0',
        'delivery_blocked_keys{topic="orders"} 2.0',
        "delivery_rebalances_total 4.0",
        "delivery_recovering 1.0",
        "delivery_recovery_left 70.0",
        "delivery_commit_age_seconds 1.5",
        'delivery_waited_seconds_bucket{le="0.005",topic="orders"} 1.0',
        'delivery_waited_seconds_bucket{le="0.5",topic="orders"} 3.0',
        'delivery_waited_seconds_bucket{le="+Inf",topic="orders"} 4.0',
        'delivery_waited_seconds_sum{topic="orders"} 400.32',
    } <= set(lines)
    assert not [line for line in lines if line.startswith('delivery_lag{partition="1"')], "nobody knows it"
