"""What processes use: CPU and memory, as the kernel counts them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """The CPU seconds that a process, with all its threads, has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def machine_cpu_s() -> float:
    """The CPU seconds that all processes of the machine have used so far."""
    times = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    idle = times[3] + times[4]
    return (sum(times) - idle) / _TICKS_PER_S


def memory_bytes(pid: int) -> int:
    """The resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES


@dataclass(frozen=True, slots=True)
class Usage:
    """A moment: the clock, and what each named process and the whole machine have used so far, in CPU seconds."""

    at_s: float
    by_name: Mapping[str, float]
    machine_s: float

    @classmethod
    def now(cls, pids: Mapping[str, int]) -> Usage:
        """The usage of these processes."""
        return cls(time.monotonic(), {name: cpu_s(pid) for name, pid in pids.items()}, machine_cpu_s())

    def since(self, before: Usage) -> Usage:
        """What was used between the two moments; `at_s` is how long that was."""
        used = {name: total - before.by_name[name] for name, total in self.by_name.items()}
        return Usage(self.at_s - before.at_s, used, self.machine_s - before.machine_s)

    @property
    def foreign_cores(self) -> float:
        """How many cores others used meanwhile: where this is not small, trust CPU times more than rates."""
        return max(0.0, self.machine_s - sum(self.by_name.values())) / self.at_s
