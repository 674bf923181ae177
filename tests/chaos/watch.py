"""When a worker could be reached: what clients are told, and what an unanswered call is judged by."""

import threading
import time
from pathlib import Path
from typing import NamedTuple

from tests.integration.worker_process import WorkerProcess, answers_ready

TICK_S = 0.05
ENDING_S = 5.0
"""How long a worker that ends by itself may take for it: it has closed its port then, and still runs."""


class Span(NamedTuple):
    """From when to when, by the monotonic clock."""

    began: float
    ended: float

    def meets(self, began: float, ended: float) -> bool:
        """Whether it has a moment in common with the time between these two."""
        return self.began <= ended and began <= self.ended


class Watch:
    """Looks at one worker from a thread of its own, 20 times a second. It only looks, and never waits for the process.

    A worker is reachable from the moment it says that it is ready until it is sent a signal, or began to end by itself.
    """

    def __init__(self, worker: WorkerProcess) -> None:
        self._worker = worker
        self._lock = threading.Lock()
        self._gone_since: float | None = time.monotonic()
        self._leaving = False
        self._spans: list[Span] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"watch {worker.port}")

    def start(self) -> None:
        """Begin to look; the worker has been started."""
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def reachable(self) -> bool:
        """Whether calls are to be sent to it."""
        return self._gone_since is None

    def leave(self) -> None:
        """Say, before it is done, that the worker is about to be ended or stopped."""
        with self._lock:
            self._leaving = True  # a worker that is about to end may still say that it is ready
            if self._gone_since is None:
                self._gone_since = time.monotonic()

    def expect(self) -> None:
        """Say, when it is done, that the worker was started again or goes on."""
        with self._lock:
            self._leaving = False

    def was_away(self, began: float, ended: float) -> bool:
        """Whether the worker could not be reached at some time between these two."""
        with self._lock:
            spans = [*self._spans, *([Span(self._gone_since, ended)] if self._gone_since is not None else [])]
        return any(span.meets(began, ended) for span in spans)

    def _run(self) -> None:
        seen_alive, pid = time.monotonic(), 0
        while not self._stop.wait(TICK_S):
            looked_at = time.monotonic()
            before, pid = pid, self._worker.pid  # one that ended may have been started again since the last look
            if not _runs(pid) or pid != before:
                self._note_end(seen_alive)
                continue
            seen_alive = looked_at
            if self._gone_since is not None and not self._leaving and answers_ready(self._worker):
                self._note_return()

    def _note_end(self, last_seen: float) -> None:
        with self._lock:
            if self._gone_since is None:
                self._gone_since = last_seen - ENDING_S

    def _note_return(self) -> None:
        with self._lock:
            if self._gone_since is not None and not self._leaving:
                self._spans.append(Span(self._gone_since, time.monotonic()))
                self._gone_since = None


def _runs(pid: int) -> bool:
    """Whether there is such a process, and it neither stands still nor has ended."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] not in "TZX"
