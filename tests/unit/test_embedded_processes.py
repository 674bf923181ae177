"""Children of the program: known by their pid files, stopped when told, never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.embedded.processes import Child, command_line, stop_leftover

DEADLINE_S = 20.0


def wait_until_named(pid: int) -> None:
    """A process that has just become another program has no command line for a moment."""
    deadline = time.monotonic() + DEADLINE_S
    while not command_line(pid):
        assert time.monotonic() < deadline, f"{pid} is not there"
        time.sleep(0.01)


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while command_line(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def sleeper(tmp_path: Path, mark: str) -> Child:
    script = f"import time; time.sleep(600) # {mark}"
    return Child((sys.executable, "-c", script), log=tmp_path / "log", mark=mark, pid_file=tmp_path / "run" / "x.pid")


def test_a_child_has_a_pid_file_while_it_runs(tmp_path: Path) -> None:
    child = sleeper(tmp_path, "mark-one")
    child.start()
    pid_file = tmp_path / "run" / "x.pid"
    assert int(pid_file.read_text()) == child.pid
    assert child.stop(DEADLINE_S)
    assert not pid_file.exists()
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    child = Child((sys.executable, "-c", script), log=tmp_path / "log", mark="deaf")
    child.start()
    deadline = time.monotonic() + DEADLINE_S
    while "deaf" not in child.log_tail():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not child.stop(timeout_s=0.2)
    assert child.exit_code == -signal.SIGKILL


def test_a_stale_pid_file_is_removed_and_a_stranger_left_alone(tmp_path: Path) -> None:
    stranger = sleeper(tmp_path, "somebody-else")
    stranger.start()
    try:
        stale = tmp_path / "stale.pid"
        stale.write_text(f"{stranger.pid}\n")
        stop_leftover(stale, "our-own-mark")
        assert not stale.exists()
        assert stranger.alive
    finally:
        stranger.kill()


@pytest.mark.parametrize("content", ["", "not a number", "999999999"])
def test_a_pid_file_without_a_process_is_removed(content: str, tmp_path: Path) -> None:
    stale = tmp_path / "stale.pid"
    stale.write_text(content)
    stop_leftover(stale, "our-own-mark")
    assert not stale.exists()


def test_what_an_earlier_run_left_behind_is_stopped(tmp_path: Path) -> None:
    left_behind = sleeper(tmp_path, "our-own-mark")
    left_behind.start()
    try:
        stop_leftover(tmp_path / "run" / "x.pid", "our-own-mark")
        wait_until_gone(left_behind.pid)
    finally:
        left_behind.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to a parent that is killed")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from app.embedded.processes import Child
child = Child((sys.executable, "-c", "import time; time.sleep(600)"), log=Path({str(tmp_path / "log")!r}), mark="x")
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child_pid = int(parent.stdout.readline())
        wait_until_named(child_pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(DEADLINE_S)
    wait_until_gone(child_pid)
