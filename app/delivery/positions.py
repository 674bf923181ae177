"""Who waits for a partition to come as far as an offset, and is told, or told that it moved."""

import asyncio
import heapq
from itertools import count

from app.delivery.contract import Moved


class Positions:
    """Waiters by partition, the nearest first."""

    def __init__(self) -> None:
        self._waiting: dict[int, list[tuple[int, int, asyncio.Future[None]]]] = {}
        self._order = count()

    async def reached(self, partition: int, wanted: int, applied: int | None) -> None:
        """Wait until `advance` has told at least `wanted`; `applied` is how far it is now.

        Raises `Moved` when `applied` is `None` (not ours), or when the partition leaves meanwhile.
        """
        if applied is None:
            raise Moved(f"partition {partition} is not here")
        if applied >= wanted:
            return
        arrived = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting.setdefault(partition, []), (wanted, next(self._order), arrived))
        await arrived

    def advance(self, partition: int, applied: int) -> None:
        """Everything below the offset `applied` is safe now."""
        waiting = self._waiting.get(partition)
        while waiting and waiting[0][0] <= applied:
            arrived = heapq.heappop(waiting)[2]
            if not arrived.done():
                arrived.set_result(None)

    def leave(self) -> None:
        """Every partition left: tell all who wait."""
        for partition, waiting in self._waiting.items():
            for _, _, arrived in waiting:
                if not arrived.done():
                    arrived.set_exception(Moved(f"partition {partition} left this worker"))
        self._waiting.clear()
