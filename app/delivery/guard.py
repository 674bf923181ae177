"""A process that stood still for longer than its session is a zombie: somebody else owns its partitions.

It would write stale rows behind its successor's. So it looks at the clock before each slice, before each
send and twenty times a second, and dies on the spot when too much time has passed.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

TICK_S = 0.05
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""On Linux the other clock stands still while the machine is suspended."""
EXIT_CODE = 17


def _now_s() -> float:
    return time.clock_gettime(_CLOCK)


class Guard:
    """`limit_s` is the longest the loop may stand still; `purge` takes back what is not yet sent."""

    def __init__(self, limit_s: float, purge: Callable[[], None], die: Callable[[int], None] = os._exit) -> None:
        self._limit_s = limit_s
        self._purge = purge
        self._die = die
        self._seen = _now_s()

    def check(self, where: str) -> None:
        """Die if the loop stood still for too long since the last tick."""
        stood_s = _now_s() - self._seen
        if stood_s > self._limit_s:
            self._purge()
            log.critical("stood still for %.1f s (%s): the partitions are somebody else's, exiting", stood_s, where)
            self._die(EXIT_CODE)

    async def watch(self) -> None:
        """Tick until cancelled."""
        self._seen = _now_s()
        while True:
            await asyncio.sleep(TICK_S)
            self.check("tick")
            self._seen = _now_s()


def bound_stop(limit_s: float, die: Callable[[int], None] = os._exit) -> None:
    """Exit in `limit_s` at the latest: the Kafka clients may wait for ever for a broker that is away."""

    def end() -> None:
        log.critical("could not stop in good order within %.0f s: exiting; nothing unsafe was acknowledged", limit_s)
        die(1)

    timer = threading.Timer(limit_s, end)
    timer.daemon = True
    timer.start()
