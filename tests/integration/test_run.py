"""`make run`'s program, with a stand-in for the workers that is quick and can be told to misbehave.

The stand-in is a package named `faust` ahead of the real one on the path, so that the very command lines are run. Kafka
and MongoDB are given by address and never reached: their own start is tested with the embedded parts.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.embedded import ports
from app.embedded.api import is_ready
from app.embedded.processes import command_line

DEADLINE_S = 30.0

FAKE_FAUST = """
import json, os, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

STEPS = ("PENDING", "RESERVED", "PAID", "SHIPPED")
placed = {}

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
    def do_GET(self):
        if self.path == "/health/ready":
            return self.answer(200, {})
        order_id = self.path.rsplit("/", 1)[1]
        step = min(3, int((time.monotonic() - placed[order_id]) / 0.1))
        self.answer(200, {"orderId": order_id, "status": STEPS[step]})
    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["content-length"])))
        known = order["orderId"] == os.environ.get("FAKE_KNOWN_ORDER")
        placed[order["orderId"]] = time.monotonic()
        self.answer(200 if known else 201, order)
    def log_message(self, *args):
        pass

if "seed" in sys.argv:
    with Path("seeds").open("a") as seeds:
        seeds.write("seeded\\n")
elif os.environ.get("FAKE_BROKEN"):
    sys.exit("the stand-in is broken")
else:
    assert os.environ["KAFKA_URL"] == "kafka://given:1", os.environ["KAFKA_URL"]
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


class Run:
    """One run of the program, its output in a file."""

    def __init__(self, directory: Path, port: int, settings: dict[str, str]) -> None:
        self.output = directory / f"output-{time.monotonic_ns()}"
        self.home = directory / ".local" / f"port-{port}"
        environment = {
            **os.environ,
            "PORT": str(port),
            "KAFKA_URL": "kafka://given:1",
            "MONGO_URL": "mongodb://given:2",
            "PYTHONPATH": str(directory / "stand-in"),
            **settings,
        }
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                (sys.executable, "-m", "app.embedded"),
                cwd=directory,
                env=environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_for(self, text: str) -> None:
        wait_until(lambda: text in self.text(), lambda: f"{text!r} is not in: {self.text()}")

    def text(self) -> str:
        return self.output.read_text()

    def worker_pid(self, number: int) -> int:
        return int((self.home / "run" / f"worker-{number}.pid").read_text())

    def end(self, signal_number: int = signal.SIGTERM) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(DEADLINE_S)


def wait_until(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, otherwise()
        time.sleep(0.02)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    package = tmp_path / "stand-in" / "faust"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(FAKE_FAUST)
    return tmp_path


@pytest.fixture
def port() -> int:
    """The first of two free ports in a row."""
    while True:
        first = ports.free_port()
        if ports.is_free(first + 1):
            return first


@contextmanager
def running(directory: Path, port: int, **settings: str) -> Iterator[Run]:
    run = Run(directory, port, settings)
    try:
        yield run
    finally:
        run.process.kill()
        run.process.wait()


def test_it_shows_an_order_on_its_way_and_stops_all_when_told(directory: Path, port: int) -> None:
    with running(directory, port, WORKERS="2") as run:
        run.wait_for("Ctrl-C stops all of it.")
        text = run.text()
        shown = [text.index(step) for step in ("Order 123\n", "PENDING", "RESERVED", "PAID", "SHIPPED")]
        assert shown == sorted(shown)
        assert f"http://127.0.0.1:{port}/api-docs" in text
        assert "-H 'x-api-key: demo'" in text
        pids = [run.worker_pid(1), run.worker_pid(2)]

        assert run.end(signal.SIGINT) == 0

        assert not any(map(command_line, pids))
        assert list((run.home / "run").glob("*.pid")) == []
        assert ports.is_free(port)


def test_a_killed_worker_is_started_again_on_its_port(directory: Path, port: int) -> None:
    with running(directory, port, WORKERS="2") as run:
        run.wait_for("Ctrl-C stops all of it.")
        first_pid = run.worker_pid(2)
        os.kill(first_pid, signal.SIGKILL)
        run.wait_for("worker-2 died (signal 9): starting it again at once")
        wait_until(lambda: is_ready(port + 1), run.text)
        assert run.worker_pid(2) != first_pid
        assert run.end() == 0


def test_a_later_run_seeds_no_more_and_places_an_order_of_its_own(directory: Path, port: int) -> None:
    for known in ("", "123"):
        with running(directory, port, FAKE_KNOWN_ORDER=known) as run:
            run.wait_for("Ctrl-C stops all of it.")
            text = run.text()
            assert run.end() == 0
    assert "Order 123-" in text
    assert "SHIPPED" in text
    assert (directory / "seeds").read_text() == "seeded\n"


def test_a_second_run_of_the_same_home_is_refused(directory: Path, port: int) -> None:
    with running(directory, port) as first:
        first.wait_for("Ctrl-C stops all of it.")
        with running(directory, port) as second:
            assert second.process.wait(DEADLINE_S) == 1
            assert "Another run serves" in second.text()
        assert is_ready(port)
        assert first.end() == 0


def test_a_taken_port_is_named(directory: Path, port: int) -> None:
    with running(directory, port) as other:
        other.wait_for("Ctrl-C stops all of it.")
        with running(directory, port - 1, WORKERS="2") as run:
            assert run.process.wait(DEADLINE_S) == 1
            assert f"Port {port}, meant for worker 2, is taken" in run.text()
            assert "Traceback" not in run.text()
        assert other.end() == 0


def test_a_worker_that_cannot_start_is_shown_with_the_end_of_its_log(directory: Path, port: int) -> None:
    with running(directory, port, FAKE_BROKEN="1") as run:
        assert run.process.wait(DEADLINE_S) == 1
        assert "worker-1 ended while starting (exit code 1)" in run.text()
        assert "the stand-in is broken" in run.text()
        assert "Traceback" not in run.text()


@pytest.mark.parametrize(
    ("setting", "value"), [("PORT", "http"), ("PORT", "80"), ("WORKERS", "0"), ("WORKERS", "many")]
)
def test_a_setting_that_is_no_number_is_named(setting: str, value: str, directory: Path, port: int) -> None:
    with running(directory, port, **{setting: value}) as run:
        assert run.process.wait(DEADLINE_S) == 1
        assert f"{setting}={value} is no number" in run.text()
        assert "Traceback" not in run.text()


def test_a_run_that_is_killed_leaves_nothing_that_hinders_the_next(directory: Path, port: int) -> None:
    with running(directory, port) as first:
        first.wait_for("Ctrl-C stops all of it.")
        first.process.kill()
        first.process.wait()
    with running(directory, port) as second:
        second.wait_for("Ctrl-C stops all of it.")
        assert second.end() == 0
