"""What the embedded Kafka and the embedded MongoDB have in common: one process, started until it answers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Self

from app.embedded.processes import Child

STOP_TIMEOUT_S: Final = 20.0


class EmbeddedServer(ABC):
    """A server of our own. It may be stopped or killed and started again, on the same port and with its data.

    Start it from a thread that outlives it (see `processes.py`). As a context manager it starts and stops.
    """

    def __init__(self, child: Child) -> None:
        self._child = child

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._child.pid

    @property
    def alive(self) -> bool:
        """Whether the server's process runs."""
        return self._child.alive

    @property
    def exit_code(self) -> int | None:
        """The server's last exit code (negative: the signal that ended it), None while it runs."""
        return self._child.exit_code

    @abstractmethod
    def start(self) -> None:
        """Start the server and wait until it answers; `PartError` with the end of its log when it doesn't."""

    def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Stop the server in good order, by SIGKILL when that takes longer than `timeout_s`."""
        self._child.stop(timeout_s)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._child.kill()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
