"""Who can be reached during the chaos: nobody who was sent a signal, whatever the process says of itself."""

import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tests.chaos import watch
from tests.chaos.watch import Watch

TICKS_S = 6 * watch.TICK_S


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A process that says that it is ready as long as it runs."""
    monkeypatch.setattr(watch, "answers_ready", lambda _: True)
    child = subprocess.Popen((sys.executable, "-c", "import time; time.sleep(60)"))
    yield SimpleNamespace(pid=child.pid, port=0, child=child)
    child.kill()
    child.wait()


def wait_until(watched: Watch, reachable: bool) -> None:
    until = time.monotonic() + 10
    while watched.reachable is not reachable:
        assert time.monotonic() < until
        time.sleep(watch.TICK_S)


def test_one_that_was_sent_a_signal_is_away_until_it_is_started_again(worker: Any) -> None:
    watched = Watch(worker)
    watched.start()
    try:
        wait_until(watched, True)
        began = time.monotonic()
        watched.leave()
        time.sleep(TICKS_S)
        assert not watched.reachable
        assert watched.was_away(began, time.monotonic())
        watched.expect()
        wait_until(watched, True)
        back = time.monotonic()
        assert not watched.was_away(back, back)
    finally:
        watched.stop()


def test_one_that_ends_by_itself_is_away_from_when_it_closed_its_port(
    worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "ENDING_S", TICKS_S / 2)
    watched = Watch(worker)
    watched.start()
    try:
        wait_until(watched, True)
        alive = time.monotonic()
        time.sleep(TICKS_S)
        worker.child.kill()
        ended = time.monotonic()
        wait_until(watched, False)
        assert watched.was_away(ended, ended)
        assert not watched.was_away(alive, alive)
    finally:
        watched.stop()
