"""The workers of one run: plain `faust` workers, each on a port and with a data folder of its own."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from app.embedded.processes import Child


@dataclass(frozen=True)
class Worker:
    """One worker: its number (from 1), the port of its web server, and its process."""

    number: int
    port: int
    child: Child

    @property
    def name(self) -> str:
        """What the worker is called in messages and file names."""
        return f"worker-{self.number}"


def faust_command(*arguments: str, module: str = "app.main") -> tuple[str, ...]:
    """The command line of a command of the app's `faust` CLI, run by this same Python."""
    return (sys.executable, "-m", "faust", "-A", module, *arguments)


def make_worker(number: int, port: int, home: Path, environment: Mapping[str, str], module: str = "app.main") -> Worker:
    """Describe worker `number` on `port`, with its data, log and pid file under `home`; nothing is started.

    `environment` is what the settings of the app in `module` read, save what is this worker's alone.
    """
    name = f"worker-{number}"
    data = home / name
    # The folder also stands in the command line, which tells this worker's process from those of another home.
    arguments = ("--datadir", str(data), "-L", "uvloop", "worker", "-l", "warn", "--web-port", str(port))
    child = Child(
        faust_command(*arguments, module=module),
        log=home / "run" / f"{name}.log",
        mark=str(data),
        pid_file=home / "run" / f"{name}.pid",
        env={**environment, "PORT": str(port), "DATA_DIR": str(data)},
    )
    return Worker(number, port, child)
