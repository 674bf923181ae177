"""Free ports for the embedded parts.

They are looked for below 32768: from there on the kernel hands ports out to outgoing connections, so that one that was
free a moment ago may be somebody's when the part comes to bind it.
"""

import random
import socket

FIRST_PORT = 15_000
LAST_PORT = 32_767
_ATTEMPTS = 200


def is_free(port: int) -> bool:
    """Say whether a server could bind `port` on the loopback address now."""
    with socket.socket() as probe:
        # Without it a port whose last connections are in TIME_WAIT would count as taken; servers bind with it too.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def free_port() -> int:
    """Return a port on the loopback address that nobody listens on; `RuntimeError` when none was found.

    Chosen at random, so that several test runs on one machine seldom try the same.
    """
    for _ in range(_ATTEMPTS):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 (no secret)
        if is_free(port):
            return port
    raise RuntimeError(f"no free port found between {FIRST_PORT} and {LAST_PORT}")
