"""Faults that a busy broker brings by chance, brought on purpose: for Faust's consumer and for ours alike."""

import asyncio
import os
from typing import Any


class SlowSeek:
    """The coordinator takes its time when recovery ends and asks what is committed."""

    async def perform_seek(self) -> None:
        await super().perform_seek()  # type: ignore[misc]
        await asyncio.sleep(1.0)


class LosesAFetch:
    """One fetch of the stream vanishes between aiokafka and the consumer's loop."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fetches = 0

    async def _wait_next_records(self, timeout: float) -> Any:
        records, active = await super()._wait_next_records(timeout)  # type: ignore[misc]
        if records and any(tp.topic.endswith("-in") for tp in records):
            self._fetches += 1
            if self._fetches == 3:
                return {}, active
        return records, active


class NoFault:
    """The consumer as it is."""


FAULT: type = {"slow-seek": SlowSeek, "lost-fetch": LosesAFetch}.get(os.environ.get("FAULT", ""), NoFault)
