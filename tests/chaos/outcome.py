"""What a run came to: the numbers, and all that went wrong."""

from dataclasses import asdict, dataclass, field
from typing import Any

from tests.chaos.faults import Done
from tests.chaos.pace import Pause


@dataclass(frozen=True)
class Promises:
    """What was found broken, by promise; nothing of all that when it was kept."""

    lost: list[str] = field(default_factory=list)
    """Orders that were taken and are not in the log."""
    doubled: list[str] = field(default_factory=list)
    """Orders of one id that were taken as new more than once."""
    oversold: list[str] = field(default_factory=list)
    charged_twice: list[str] = field(default_factory=list)
    stuck: list[str] = field(default_factory=list)
    """Orders that were not at rest in time."""
    projection: list[str] = field(default_factory=list)
    """What MongoDB shows otherwise than the log."""
    answers: list[str] = field(default_factory=list)
    """Calls that were answered otherwise than the contract has it, or not at all."""
    other: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What one run came to. Times in seconds."""

    minutes: float
    orders: int
    cancels: int
    doubles: int
    ended: dict[str, int]
    """Orders by status, by the log."""
    shown: dict[str, int]
    """Orders by status and reason, by MongoDB."""
    faults: list[Done]
    broken: Promises
    answers: dict[str, int]
    refused: dict[str, int]
    """The 503s, by when they came."""
    slowest_s: dict[str, float]
    ended_alone: dict[int, int]
    pause: Pause
    """The longest time within the load in which no order made progress."""
    order_pauses: dict[str, Pause]
    """The longest time in which an order made no progress, by the kind of fault it is put down to."""
    rest_s: float
    """From the end of the last fault until all was at rest."""
    records: int

    @property
    def failures(self) -> list[str]:
        """Everything that went wrong."""
        return [f"{promise.replace('_', ' ')}: {it}" for promise, found in asdict(self.broken).items() for it in found]

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return asdict(self) | {
            "faults": [it._asdict() for it in self.faults],
            "pause": self.pause._asdict(),
            "order_pauses": {kind: it._asdict() for kind, it in self.order_pauses.items()},
        }
