"""How late the event loop comes to what is due: whatever stands in its way delays everything."""

from __future__ import annotations

import asyncio
from typing import Final

from prometheus_client import Histogram

EVERY_S: Final = 0.1

delay: Final = Histogram(
    "event_loop_delay_seconds", "How late the event loop came to a call that was due.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)  # fmt: skip


async def watch_loop() -> None:
    """Note the delay ten times a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_s = loop.time() + EVERY_S
        await asyncio.sleep(EVERY_S)
        delay.observe(max(0.0, loop.time() - due_s))
