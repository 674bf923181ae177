"""Orders in numbers: each change once, and how long it took."""

from __future__ import annotations

from app.domain.order import Change, Order, State, Status
from app.metrics.business import OrderNumbers
from schemas.rows import OrderRow


def row(*history: tuple[Status, int]) -> OrderRow:
    changes = tuple(Change(offset=at, version=at, status=status, at_ms=at) for status, at in history)
    return OrderRow("o1", "u1", Order(State.RESERVING, (), applied=0, history=changes))


def test_each_change_is_counted_once_with_the_time_that_it_took() -> None:
    numbers = OrderNumbers()
    numbers.begin(0, {})
    placed = row((Status.PENDING, 1000))
    reserved = row((Status.PENDING, 1000), (Status.RESERVED, 1700))
    numbers.written(0, "o1", None, placed)
    numbers.written(0, "o1", placed, reserved)
    numbers.written(0, "o1", reserved, reserved)
    samples = {
        (it.name, *it.labels.values()): it.value
        for metric in numbers.collect()
        for it in metric.samples
        if it.labels.get("status") == "RESERVED"
    }
    assert samples["orders_changes_total", "RESERVED"] == 1
    assert samples["orders_reached_seconds_sum", "RESERVED"] == 0.7
    assert samples["orders_reached_seconds_bucket", "RESERVED", "0.5"] == 0
    assert samples["orders_reached_seconds_bucket", "RESERVED", "1.0"] == 1
    assert samples["orders_reached_seconds_count", "RESERVED"] == 1
