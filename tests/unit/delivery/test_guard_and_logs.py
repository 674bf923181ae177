"""The guard against standing still, and the filter against floods."""

import logging
import threading
import time

import pytest

from app.delivery.guard import EXIT_CODE, Guard, bound_stop
from app.delivery.quiet import RepeatFilter


def test_a_loop_that_stood_still_takes_its_records_back_and_dies() -> None:
    happened: list[object] = []
    guard = Guard(0.01, lambda: happened.append("purged"), die=happened.append)
    guard.check("at once")
    assert happened == []
    time.sleep(0.02)
    guard.check("before a slice")
    assert happened == ["purged", EXIT_CODE]


def test_a_stop_that_takes_too_long_is_ended() -> None:
    ended = threading.Event()
    codes: list[int] = []

    def die(code: int) -> None:
        codes.append(code)
        ended.set()

    bound_stop(0.01, die)
    assert ended.wait(5)
    assert codes == [1]


def warning(message: str) -> logging.LogRecord:
    return logging.LogRecord("aiokafka.conn", logging.WARNING, "", 0, message, (), None)


def test_a_flood_is_cut_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    repeats = RepeatFilter(most=3, window_s=10)
    passed = [repeats.filter(warning(f"no node {n}")) for n in range(100)]
    assert passed.count(True) == 3
    assert repeats.filter(warning("something else"))
    now = 11.0
    later = warning("no node 7")
    assert repeats.filter(later)
    assert later.getMessage() == "no node 7 (and 97 more like this before)"


def test_what_is_no_warning_is_not_touched() -> None:
    repeats = RepeatFilter(most=1)
    record = warning("x")
    record.levelno = logging.INFO
    assert all(repeats.filter(record) for _ in range(10))
