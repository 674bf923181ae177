"""A worker that has a name in its group dies when another process takes that name.

Kafka gives the partitions of a static member to whoever joins by its name, at once and without a rebalance. The one
that had them is refused from then on; aiokafka would join anew, take the name back, and so on for ever, while both
write. So it dies on the spot instead, as a zombie does (`guard.py`).
"""

import logging
import os
import time
from collections.abc import Callable
from typing import Any, Final

log = logging.getLogger(__name__)

NAME_TAKEN_EXIT_CODE: Final = 18


class Identity:
    """`instance_id` is the name, `session_s` the session: a member silent for so long is rightly forgotten."""

    def __init__(
        self,
        instance_id: str,
        session_s: float,
        die: Callable[[int], None] = os._exit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._instance_id = instance_id
        self._session_s = session_s
        self._die = die
        self._clock = clock
        self._known_s: float | None = None

    def watch(self, coordinator: Any) -> None:
        """Look at each heartbeat of aiokafka's `coordinator`, and at each time it is told to join anew."""
        heartbeat, reset_generation = coordinator._do_heartbeat, coordinator.reset_generation

        async def watched_heartbeat() -> bool:
            known: bool = await heartbeat()
            if known:
                self.known()
            return known

        def watched_reset() -> None:
            if not coordinator._closing.done():
                self.forgotten()
            reset_generation()

        coordinator._do_heartbeat = watched_heartbeat
        coordinator.reset_generation = watched_reset

    def known(self) -> None:
        """The group knows this member."""
        self._known_s = self._clock()

    def forgotten(self) -> None:
        """The group does not know this member any more: die, unless its session may have run out."""
        if self._known_s is None or self._clock() - self._known_s >= self._session_s:
            self._known_s = None
            return
        log.critical("another process has joined the group as %r: exiting, so that only one writes", self._instance_id)
        self._die(NAME_TAKEN_EXIT_CODE)
