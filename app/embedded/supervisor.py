"""Keeps what it was given running: whatever dies is started again, at once the first time and then ever more slowly."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.embedded.errors import PartError

_FIRST_DELAY_S = 1.0
_LONGEST_DELAY_S = 30.0
_SETTLED_S = 60.0


class Restartable(Protocol):
    """What can be kept running: a worker's process, the broker, the database."""

    @property
    def alive(self) -> bool:
        """Whether it runs now."""

    @property
    def exit_code(self) -> int | None:
        """How it last ended (negative: the signal), None while it runs."""

    def start(self) -> None:
        """Start it; `PartError` when that fails."""


@dataclass
class _Kept:
    name: str
    part: Restartable
    started_at_s: float
    delay_s: float = 0.0
    due_at_s: float | None = None


class Supervisor:
    """Starts again what died. `tell` gets a line for each death and each failed start; `clock` counts seconds.

    A part that dies again soon after its start waits before the next one, twice as long each time up to half a minute,
    so that a broken one neither spins nor is given up.
    """

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._kept: list[_Kept] = []

    def keep(self, name: str, part: Restartable) -> None:
        """Take charge of a part that was just started."""
        self._kept.append(_Kept(name, part, self._clock()))

    def look(self) -> None:
        """Look at every part once, and start again those that died and whose wait is over."""
        for kept in self._kept:
            if kept.due_at_s is None and not kept.part.alive:
                self._plan(kept)
            if kept.due_at_s is not None and self._clock() >= kept.due_at_s:
                self._start(kept)

    def _plan(self, kept: _Kept) -> None:
        if self._clock() - kept.started_at_s >= _SETTLED_S:
            kept.delay_s = 0.0
        when = "at once" if kept.delay_s == 0 else f"in {kept.delay_s:.0f} s"
        self._tell(f"{kept.name} died ({describe_end(kept.part.exit_code)}): starting it again {when}")
        self._wait(kept)

    def _start(self, kept: _Kept) -> None:
        kept.due_at_s = None
        kept.started_at_s = self._clock()
        try:
            kept.part.start()
        except PartError as error:
            self._tell(f"{kept.name} did not start again: {error.what}. Next try in {kept.delay_s:.0f} s")
            self._wait(kept)

    def _wait(self, kept: _Kept) -> None:
        kept.due_at_s = self._clock() + kept.delay_s
        kept.delay_s = min(max(_FIRST_DELAY_S, 2 * kept.delay_s), _LONGEST_DELAY_S)


def describe_end(exit_code: int | None) -> str:
    """How a process ended, in words."""
    if exit_code is None:
        return "still running"
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
