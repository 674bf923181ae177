"""Who waits for the next write of a row."""

import asyncio
from collections.abc import Iterable

from app.delivery.contract import Moved


class Watchers:
    """Futures by key: a key that nobody watches costs one look-up a write, and nothing when nobody watches."""

    def __init__(self) -> None:
        self._watching: dict[str, set[asyncio.Future[None]]] = {}

    async def next_write(self, key: str) -> None:
        """Wait for the next safe write of `key`. Raises `Moved` when the partitions leave."""
        written = asyncio.get_running_loop().create_future()
        self._watching.setdefault(key, set()).add(written)
        try:
            await written
        finally:
            watching = self._watching.get(key)
            if watching is not None:
                watching.discard(written)
                if not watching:
                    del self._watching[key]

    def wake(self, keys: Iterable[str]) -> None:
        """These rows were written, and the writes are safe."""
        if not self._watching:
            return
        for key in keys:
            for written in self._watching.pop(key, ()):
                if not written.done():
                    written.set_result(None)

    def leave(self) -> None:
        """The partitions are leaving: tell all who watch."""
        for key, watching in self._watching.items():
            for written in watching:
                if not written.done():
                    written.set_exception(Moved(f"the partition of {key} is leaving this worker"))
        self._watching.clear()
