"""Faults that a busy broker brings by chance, brought on purpose: for Faust's consumer and for ours alike."""

import asyncio
import os
import time
from typing import Any

QUEUED = 20
LONGER_THAN_A_POLL_S = 3.0


class SlowSeek:
    """The coordinator takes its time when recovery ends, until what was fetched meanwhile waits in a stream's queue."""

    async def perform_seek(self) -> None:
        await super().perform_seek()  # type: ignore[misc]
        queues = self.app.flow_control._queues  # type: ignore[attr-defined]
        gives_up = time.monotonic() + LONGER_THAN_A_POLL_S
        while time.monotonic() < gives_up and not any(queue.qsize() >= QUEUED for queue in queues):
            await asyncio.sleep(0.001)


class LosesAFetch:
    """One fetch of the stream vanishes between the client and the consumer's loop: Faust's, or ours."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetches = 0

    async def _wait_next_records(self, timeout: float) -> Any:
        records, active = await super()._wait_next_records(timeout)  # type: ignore[misc]
        return self._most_of(records), active

    async def read(self, timeout_s: float) -> Any:
        return self._most_of(await super().read(timeout_s))  # type: ignore[misc]

    def _most_of(self, records: Any) -> Any:
        if any(tp.topic.endswith("-in") for tp in records):
            self._fetches += 1
            if self._fetches == 3:
                return {}
        return records


class RebalancesInRecovery:
    """The group agrees anew while the tables are recovered from a slow broker, as when several workers come and go."""

    async def on_partitions_assigned(self, assigned: Any, generation_id: int = 0) -> None:
        # The broker waits for more than there is, so each fetch takes as long as it may.
        self._thread._ensure_consumer()._fetcher._fetch_min_bytes = 1 << 30  # type: ignore[attr-defined]
        await super().on_partitions_assigned(assigned, generation_id)  # type: ignore[misc]
        if generation_id <= 12:
            self._rejoining = asyncio.get_running_loop().create_task(self._rejoin_soon())

    async def _rejoin_soon(self) -> None:
        await asyncio.sleep(0.7)
        thread = self._thread  # type: ignore[attr-defined]

        async def rejoin() -> None:
            thread._ensure_consumer()._coordinator.request_rejoin()

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(rejoin(), thread.thread_loop))


class NoFault:
    """The consumer as it is."""


FAULTS = {"slow-seek": SlowSeek, "lost-fetch": LosesAFetch, "rebalances": RebalancesInRecovery}
FAULT: type = FAULTS.get(os.environ.get("FAULT", ""), NoFault)
