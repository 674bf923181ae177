"""Child processes, started and stopped by process id, none of which outlives the program.

On Linux the kernel kills a child when the thread that started it ends (see `tether.py`), so start children from a
thread that lives as long as they should: the main one. Elsewhere an exit hook does it for every end but a SIGKILL, and
what that leaves behind is found by its pid file and stopped at the next start.
"""

import atexit
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_TETHER = Path(__file__).with_name("tether.py")
_ON_LINUX = platform.system() == "Linux"
_POLL_S = 0.02
_ORPHAN_GRACE_S = 10.0
_KILL_WAIT_S = 10.0


class Child:
    """One process that this program starts and answers for; it may be started again after it ended.

    `command` is run with its output in the file `log`. Its process id stands in `pid_file` while it runs; `mark` is a
    text of the command line that tells this process from any other that may get the same id later.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        log: Path,
        mark: str,
        pid_file: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.command = tuple(command)
        self.log = log
        self.mark = mark
        self.pid_file = pid_file
        self.env = dict(os.environ if env is None else env)
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        """The process id of the last start; `RuntimeError` before the first."""
        if self._process is None:
            raise RuntimeError("the process was never started")
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the process runs now."""
        return self._process is not None and self._process.poll() is None

    @property
    def exit_code(self) -> int | None:
        """The exit code of the last start (negative: the signal that ended it), None while it runs."""
        return None if self._process is None else self._process.poll()

    def start(self) -> None:
        """Start the process; what an earlier run of the program may have left behind is stopped first."""
        if self.alive:
            raise RuntimeError(f"process {self.pid} runs already")
        if self.pid_file is not None:
            stop_leftover(self.pid_file, self.mark)
        first = self._process is None
        self.log.parent.mkdir(parents=True, exist_ok=True)
        # A new run begins a new log; a restart within the run must not wipe out why the last one died.
        with self.log.open("wb" if first else "ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                tied(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self.env,
                # A Ctrl-C reaches the whole foreground group at once; who stops when is the program's to decide.
                start_new_session=True,
            )
        atexit.register(self.kill)
        if self.pid_file is not None:
            self.pid_file.parent.mkdir(parents=True, exist_ok=True)
            self.pid_file.write_text(f"{self.pid}\n")

    def ask_to_end(self) -> None:
        """Send SIGTERM and return at once."""
        if self.alive and self._process is not None:
            self._process.terminate()

    def stop(self, timeout_s: float) -> bool:
        """SIGTERM, and SIGKILL after `timeout_s`; returns whether the process ended by itself in that time."""
        if self._process is None:
            return True
        self.ask_to_end()
        willing = self.wait(timeout_s) is not None
        self.kill()
        return willing

    def kill(self) -> None:
        """SIGKILL the process and all that it started, and wait until it is gone."""
        if self._process is None:
            return
        if self.alive:
            os.killpg(self.pid, signal.SIGKILL)
            self._process.wait(_KILL_WAIT_S)
        atexit.unregister(self.kill)
        if self.pid_file is not None:
            self.pid_file.unlink(missing_ok=True)

    def wait(self, timeout_s: float) -> int | None:
        """Wait until the process ends; returns its exit code, or None when it still runs after `timeout_s`."""
        if self._process is None:
            raise RuntimeError("the process was never started")
        try:
            return self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines that the process wrote since it was last started."""
        with self.log.open("rb") as output:
            output.seek(self._log_start)
            text = output.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def tied(command: tuple[str, ...]) -> tuple[str, ...]:
    """Return the command that runs this one for as long as this process lives (elsewhere than on Linux: as it is)."""
    if _ON_LINUX:
        # Isolated and without site: the interpreter is only a stepping stone and must be quick.
        return (sys.executable, "-I", "-S", str(_TETHER), str(os.getpid()), *command)
    return command


def command_line(pid: int) -> str:
    """The command line of a process of this machine, empty when there is no such process (or it is a zombie)."""
    if _ON_LINUX:
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except (FileNotFoundError, ProcessLookupError):
            return ""
    ps = ("ps", "-ww", "-o", "command=", "-p", str(pid))
    return subprocess.run(ps, capture_output=True, text=True, check=False).stdout


def stop_leftover(pid_file: Path, mark: str) -> None:
    """Remove the pid file of an earlier run, and stop its process if that still runs.

    A process that got the same id since, which is told by a command line without `mark`, is left alone.
    """
    try:
        pid = int(pid_file.read_text())
    except FileNotFoundError:
        return
    except ValueError:
        pid = 0
    if pid > 0 and mark in command_line(pid):
        _end(pid, mark)
    pid_file.unlink(missing_ok=True)


def _end(pid: int, mark: str) -> None:
    for signal_number, patience_s in ((signal.SIGTERM, _ORPHAN_GRACE_S), (signal.SIGKILL, _KILL_WAIT_S)):
        try:
            os.kill(pid, signal_number)
        except ProcessLookupError:
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            if mark not in command_line(pid):
                return
            time.sleep(_POLL_S)
    raise RuntimeError(f"process {pid} of an earlier run does not end, not even by SIGKILL")
