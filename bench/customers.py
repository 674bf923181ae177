"""Customers: orders and reads at a steady rate, sent to any worker that should answer at that time."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import aiohttp

TIMEOUT_S = 15.0
RETRY_S = 0.2
FIRST_READ_AFTER_S = 2.0
"""So old is an order that is read: young ones are for those who measure reading one's own writes."""
TAKEN = frozenset({200, 201})


class Unanswered(NamedTuple):
    """A read that got no answer, or none with a body: from whom, when by the monotonic clock, and what came."""

    url: str
    at_s: float
    what: str


class Customers:
    """`orders_per_s` orders of `products` and `reads_per_s` reads, each sent to one of `urls()`, chosen by `seed`.

    `sources` counts the answered reads by where they come from. Reads are repeated while the answer is 503, as for
    an order that was taken so shortly before its owner died that nobody else has it yet, for up to `patience_s`:
    `asked_again` says how often.
    `refused` counts the orders that had to be sent again.
    """

    def __init__(
        self,
        urls: Callable[[], Sequence[str]],
        products: Sequence[str],
        *,
        orders_per_s: float,
        reads_per_s: float,
        seed: int = 1,
        prefix: str = "f",
        patience_s: float = TIMEOUT_S,
    ) -> None:
        self.placed: list[tuple[float, str]] = []
        self.sources: Counter[str] = Counter()
        self.unanswered: list[Unanswered] = []
        self.refused: Counter[str] = Counter()
        self.asked_again = 0
        self.longest_read_s = 0.0
        self._urls = urls
        self._products = products
        self._rates = (orders_per_s, reads_per_s)
        self._chance = random.Random(seed)
        self._prefix = prefix
        self._patience_s = patience_s
        self._number = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Send until `stop` is set, and see through what is under way."""
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=256)
        async with (
            aiohttp.ClientSession(headers={"x-api-key": "demo"}, timeout=timeout, connector=connector) as self._session,
            asyncio.TaskGroup() as group,
        ):
            began_s, sent = time.monotonic(), [0, 0]
            while not stop.is_set():
                passed_s = time.monotonic() - began_s
                for kind, send in enumerate((self._place, self._read)):
                    while sent[kind] < passed_s * self._rates[kind]:
                        group.create_task(send())
                        sent[kind] += 1
                await asyncio.sleep(0.005)

    async def _place(self) -> None:
        self._number += 1
        order_id = f"{self._prefix}{self._number}"
        body = {"orderId": order_id, "userId": "u", "items": [{"productId": self._product(), "quantity": 1}]}
        while True:
            status, _ = await self._call("POST", "/v1/orders", json=body)
            if status in TAKEN:
                self.placed.append((time.monotonic(), order_id))
                return
            self.refused[str(status or "none")] += 1
            await asyncio.sleep(RETRY_S)

    async def _read(self) -> None:
        old = self._old_order()
        path = f"/v1/inventory/{self._product()}" if old is None else f"/v1/orders/{old}"
        url = self._chance.choice(self._urls())
        began_s = time.monotonic()
        status, source = await self._call("GET", path, url=url)
        while status == 503 and time.monotonic() - began_s < self._patience_s:
            self.asked_again += 1
            await asyncio.sleep(RETRY_S)
            status, source = await self._call("GET", path)
        if status == 200:
            self.sources[source] += 1
            self.longest_read_s = max(self.longest_read_s, time.monotonic() - began_s)
        elif url in self._urls():  # else it was killed with the request in its hands
            self.unanswered.append(Unanswered(url, began_s, f"{path}: {status or source}"))

    def _old_order(self) -> str | None:
        if not self.placed or self._chance.random() < 0.3:
            return None
        at_s, order_id = self._chance.choice(self.placed)
        return order_id if time.monotonic() - at_s > FIRST_READ_AFTER_S else None

    def _product(self) -> str:
        return self._chance.choice(self._products)

    async def _call(self, method: str, path: str, url: str | None = None, **request: Any) -> tuple[int, str]:
        """Status and source of the answer; status 0 and the error if there was none."""
        try:
            target = (url or self._chance.choice(self._urls())) + path
            async with self._session.request(method, target, **request) as answer:
                body = await answer.read()
                return answer.status if body else 0, answer.headers.get("x-read-source", "table")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return 0, repr(error)


async def supply(url: str, products: Sequence[str], quantity: int) -> None:
    """Put so much of each product into the warehouse."""
    async with aiohttp.ClientSession(headers={"x-api-key": "demo"}) as session:
        for product in products:
            body = {"productId": product, "quantity": quantity, "price": 100, "currency": "EUR"}
            while True:
                async with session.put(f"{url}/v1/inventory/update", json=body) as answer:
                    if answer.status == 200:
                        break
                    assert answer.status == 503, await answer.text()
                await asyncio.sleep(RETRY_S)
