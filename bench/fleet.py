"""Workers under load while something is done to them, and what customers and the log say of it afterwards."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bench.customers import TIMEOUT_S, Customers, supply
from bench.standstill import Story, story

PRODUCTS = tuple(f"p{number}" for number in range(20))
PIECES = 100_000
REST_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.5


class Reachable(Protocol):
    """A worker's address."""

    @property
    def url(self) -> str:
        """The root of its web server."""


class Fleet:
    """`workers` are all there are; `known` are the addresses that customers use."""

    def __init__(
        self,
        workers: Sequence[Reachable],
        orders_per_s: float = 20.0,
        reads_per_s: float = 180.0,
        patience_s: float = TIMEOUT_S,
    ) -> None:
        self.known = [worker.url for worker in workers]
        self.customers = Customers(
            lambda: self.known, PRODUCTS, orders_per_s=orders_per_s, reads_per_s=reads_per_s, patience_s=patience_s
        )

    async def serve(self, during: Callable[[], Awaitable[None]], before_s: float, after_s: float) -> None:
        """Serve customers for a while, then also while `during` is done, and for a while after it."""
        await supply(self.known[0], PRODUCTS, PIECES)
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(self.customers.run(stop))
            await asyncio.sleep(before_s)
            await during()
            await asyncio.sleep(after_s)
            stop.set()

    async def told(self, bootstrap: str, topic_prefix: str = "") -> Story:
        """What the log tells, once every order that was taken has come to rest. Raises `TimeoutError`."""
        async with asyncio.timeout(REST_TIMEOUT_S):
            while True:
                told = await story(bootstrap, topic_prefix)
                if not told.unfinished and len(told.longest) >= len(self.customers.placed):
                    return told
                await asyncio.sleep(LOOK_EVERY_S)
