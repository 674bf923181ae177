"""A worker as a process in the hands of a test."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from app.embedded.api import WorkerApi, is_ready
from app.embedded.processes import Child

POLL_S = 0.05

Readiness = Callable[["WorkerProcess"], bool]


def answers_ready(worker: "WorkerProcess") -> bool:
    """The readiness of the project's own workers."""
    return is_ready(worker.port)


class WorkerProcess:
    """One worker that a test may kill, pause, end and start again; always on the same port and data folder."""

    def __init__(self, child: Child, port: int, ready: Readiness) -> None:
        self.child = child
        self.port = port
        self._ready = ready

    @property
    def url(self) -> str:
        """The root of the worker's web server."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The process id of the last start."""
        return self.child.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.child.alive

    def start(self) -> None:
        """Start the process without waiting for it."""
        self.child.start()

    def wait_ready(self, timeout_s: float = 60.0) -> None:
        """Wait until the worker is ready; fails with its log when it ends or takes longer."""
        deadline = time.monotonic() + timeout_s
        while not self._ready(self):
            assert self.child.alive, f"the worker ended ({self.child.exit_code}):\n{self.child.log_tail(60)}"
            assert time.monotonic() < deadline, f"not ready after {timeout_s} s:\n{self.child.log_tail(60)}"
            time.sleep(POLL_S)

    def kill(self) -> None:
        """SIGKILL, as a crash."""
        self.child.kill()

    def term(self, timeout_s: float = 30.0) -> None:
        """SIGTERM, and fail when the worker does not end by itself in time."""
        assert self.child.stop(timeout_s), f"did not end in {timeout_s} s:\n{self.child.log_tail(60)}"

    def restart(self) -> None:
        """Start again after `kill` or `term`, and wait until it is ready."""
        self.start()
        self.wait_ready()

    def pause(self) -> None:
        """Stand still (SIGSTOP), as in a long pause of the machine."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        os.kill(self.pid, signal.SIGCONT)

    def ask(self, path: str) -> dict[str, Any]:
        """The JSON object that the worker answers; fails for another status than 200."""
        api = WorkerApi(self.port)
        try:
            status, body = api.call("GET", path)
        finally:
            api.close()
        assert status == 200, (status, body)
        return body

    def log(self) -> str:
        """All that the worker wrote, restarts included."""
        return self.child.log.read_text(errors="replace")


class WorkerFactory(Protocol):
    """Starts one more worker of the test's app and returns it when it is ready.

    `module` is the Faust app (looked for in `path` too, when given), `environment` settings beside those every worker
    gets; `wait=False` returns at once.
    """

    def __call__(
        self,
        module: str = "app.main",
        *,
        path: Path | None = None,
        environment: Mapping[str, str] | None = None,
        ready: Readiness = answers_ready,
        wait: bool = True,
    ) -> WorkerProcess: ...


def wait_settled(workers: Sequence[WorkerProcess], timeout_s: float = 30.0) -> None:
    """Wait until these are all the workers there are, and hold all partitions between them."""
    deadline = time.monotonic() + timeout_s
    while True:
        told = workers[0].ask("/cluster")
        urls = {it["url"] for it in told["workers"] if it["state"] == "ok" and it["partitions"]}
        if urls == {worker.url for worker in workers} and not told["unowned"] and not told["silent"]:
            return
        assert time.monotonic() < deadline, told
        time.sleep(POLL_S)
