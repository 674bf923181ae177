"""The timers of a participant's rows: each at its time, once, and only for partitions that are ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from app.delivery.contract import Send
from app.delivery.timers import Timers


class Rows:
    """Stands in for the table: what the timers see of it."""

    def __init__(self) -> None:
        self.partitions: dict[int, dict[str, Any]] = {}

    def rows_of(self, partition: int) -> Mapping[str, Any]:
        return self.partitions.get(partition, {})


class Every:
    """A row is the pause until its time comes, or None; it comes again after as long."""

    def due_at_ms(self, row: int | None, since_ms: int, rung: int) -> int | None:
        return None if row is None else since_ms + row

    def ring(self, row: int, since_ms: int, rung: int, now_ms: int) -> Sequence[Send]:
        return [Send("rung", str(row).encode(), str(rung).encode())]


class Bench:
    def __init__(self) -> None:
        self.table, self.now = Rows(), 0
        self.timers = Timers(self.table, Every(), lambda: self.now)  # type: ignore[arg-type]  # a stand-in

    def write(self, partition: int, key: str, row: int | None) -> None:
        self.table.partitions.setdefault(partition, {})[key] = row
        self.timers.written([(partition, key)])

    def rung_at(self, now: int) -> list[tuple[int, int]]:
        self.now = now
        return [(int(send.key), int(send.value)) for send in self.timers.due()]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_row_rings_at_its_time_and_again_after_as_long(bench: Bench) -> None:
    bench.write(0, "a", 10)
    assert bench.rung_at(9) == []
    assert bench.rung_at(10) == [(10, 0)]
    assert bench.rung_at(19) == []
    assert bench.rung_at(21) == [(10, 1)]


def test_a_row_that_is_written_again_and_again_is_looked_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[tuple[int | None, int]] = []
    monkeypatch.setattr(Every, "due_at_ms", lambda _self, row, since_ms, _rung: looked.append((row, since_ms)))
    for row in (10, 20, 30):
        bench.now += 1
        bench.write(0, "a", row)
    bench.rung_at(4)
    bench.rung_at(5)
    assert looked == [(30, 3)]


def test_a_row_that_is_written_starts_over(bench: Bench) -> None:
    bench.write(0, "a", 10)
    bench.now = 8
    bench.write(0, "a", 10)
    assert bench.rung_at(10) == []
    assert bench.rung_at(18) == [(10, 0)]
    assert bench.rung_at(19) == []


def test_a_row_that_must_ring_earlier_than_before_does(bench: Bench) -> None:
    bench.write(0, "a", 100)
    bench.write(0, "a", 5)
    assert bench.rung_at(5) == [(5, 0)]
    assert bench.rung_at(100) == [(5, 1)]


def test_a_row_that_waits_for_nothing_any_more_is_silent(bench: Bench) -> None:
    bench.write(0, "a", 10)
    bench.write(0, "a", None)
    assert bench.rung_at(1000) == []


def test_one_entry_a_row_however_often_it_is_written(bench: Bench) -> None:
    for _ in range(1000):
        bench.write(0, "a", 10)
    assert bench.rung_at(10) == [(10, 0)]
    assert len(bench.timers._queue) == 1


def test_partitions_that_left_ring_no_more_and_those_that_came_do(bench: Bench) -> None:
    bench.write(0, "a", 10)
    bench.table.partitions[1] = {"b": 20}
    bench.timers.begin([1])
    assert bench.rung_at(10) == []
    assert bench.rung_at(20) == [(20, 0)]
    bench.timers.leave()
    assert bench.rung_at(100) == []


def test_a_clock_that_is_set_back_delays_nothing_for_that_long(bench: Bench) -> None:
    bench.now = 1_000_000
    bench.write(0, "a", 10)
    assert bench.rung_at(1_000_010) == [(10, 0)]
    assert bench.rung_at(5_000) == []
    assert bench.rung_at(5_010) == [(10, 0)]


def test_a_clock_that_is_slowed_a_little_changes_nothing(bench: Bench) -> None:
    bench.now = 1_000_000
    bench.write(0, "a", 10)
    assert bench.rung_at(999_900) == []
    assert bench.rung_at(1_000_010) == [(10, 0)]
