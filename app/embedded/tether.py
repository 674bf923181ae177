"""Turns into the given command, tied to the life of the process that asked for it (Linux).

Run as a script: `python tether.py PARENT_PID COMMAND…`. The kernel then kills the command when its parent ends, however
that ends, so that no broker or database is left behind. It is a program of its own because the tie must be made between
fork and exec, where running Python code in a process with threads (librdkafka has some) may deadlock.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Tie, check that the parent is still there, and become the command."""
    parent_pid, command = int(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    if os.getppid() != parent_pid:
        # The parent ended before the tie was made: nobody would ever stop this child.
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    main()
