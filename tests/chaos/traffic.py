"""The customers: orders of one to five lines at a steady rate, doubles and cancels among them, with patient retries.

They run on a loop of their own in a thread of their own, so that they go on while a fault is being done.
"""

import asyncio
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp

CANCELLED, DOUBLED = 0.1, 0.1
METHODS = ("slow", "flaky", "timeout", "declined", "capture-declined")
ODD_METHODS = 0.15
TIMEOUT_S = 30.0
GIVE_UP_S = 90.0
TAKEN = frozenset({200, 201})
CANCEL_ANSWERS = frozenset({200, 202, 409})


class Silence(NamedTuple):
    """A call that got no answer, and when it was made and given up, by the monotonic clock."""

    url: str
    began: float
    ended: float
    what: str


class Traffic:
    """`rate_per_s` orders a second of `products`, sent to the workers that `urls` names at that time."""

    def __init__(self, urls: Callable[[], list[str]], products: list[str], rate_per_s: float, seed: int) -> None:
        self.posted = 0
        self.taken: set[str] = set()
        self.created: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.silences: list[Silence] = []
        self.breaches: list[str] = []
        self.cancels = 0
        self.doubles = 0
        self._urls = urls
        self._products = products
        self._rate_per_s = rate_per_s
        self._chance = random.Random(seed)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="traffic")

    def start(self) -> None:
        """Begin to place orders."""
        self._thread.start()

    def stop(self) -> None:
        """Place no more, and see those that are under way through."""
        self._stop.set()

    @property
    def alive(self) -> bool:
        """Whether an answer is still waited for."""
        return self._thread.is_alive()

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=256)
        headers = {"x-api-key": "demo"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as self._session,
            asyncio.TaskGroup() as group,
        ):
            began = time.monotonic()
            while not self._stop.is_set():
                if self.posted < (time.monotonic() - began) * self._rate_per_s:
                    group.create_task(self._order(f"c{self.posted}"))
                    self.posted += 1
                else:
                    await asyncio.sleep(0.005)

    async def _order(self, order_id: str) -> None:
        chance = self._chance
        chosen = chance.sample(self._products, chance.randint(1, 5))
        body: dict[str, Any] = {
            "orderId": order_id,
            "userId": "chaos",
            "items": [{"productId": product, "quantity": chance.randint(1, 3)} for product in chosen],
        }
        if chance.random() < ODD_METHODS:
            body["payment"] = {"method": chance.choice(METHODS)}
        cancelled, doubled = chance.random() < CANCELLED, chance.random() < DOUBLED
        at_once, cancel_after_s, double_after_s = chance.random() < 0.5, chance.random(), 5 * chance.random()
        copies = 2 if doubled and at_once else 1
        await asyncio.gather(*(self._post(order_id, body) for _ in range(copies)))
        if cancelled:
            self.cancels += 1
            await asyncio.sleep(cancel_after_s)
            await self._insist("PUT", f"/v1/orders/{order_id}/cancel", {}, CANCEL_ANSWERS)
        if doubled:
            self.doubles += 1
            if not at_once:
                await asyncio.sleep(double_after_s)
                await self._post(order_id, body)

    async def _post(self, order_id: str, body: dict[str, Any]) -> None:
        status = await self._insist("POST", "/v1/orders", body, TAKEN)
        if status in TAKEN:
            self.taken.add(order_id)
            self.created[order_id] += status == 201

    async def _insist(self, method: str, path: str, body: object, wanted: frozenset[int]) -> int:
        """Repeat the call until it is answered as wanted; anything else than that and 503 is noted as a breach."""
        until = time.monotonic() + GIVE_UP_S
        while time.monotonic() < until or not self._stop.is_set():
            url = self._chance.choice(self._urls())
            began = time.monotonic()
            try:
                async with self._session.request(method, url + path, json=body) as answer:
                    told = await answer.text()
                    status, retry_after = answer.status, answer.headers.get("Retry-After")
            except (aiohttp.ClientError, TimeoutError) as error:
                self.answers[f"{method} none"] += 1
                self.silences.append(Silence(url, began, time.monotonic(), f"{method} {path}: {error!r}"))
                await asyncio.sleep(0.25)
                continue
            self.answers[f"{method} {status}"] += 1
            if status in wanted:
                return status
            if status != 503 or retry_after is None:
                self.breaches.append(f"{method} {path}: {status} {told[:300]}")
                return status
            await asyncio.sleep(min(float(retry_after), 2.0) * (0.5 + self._chance.random() / 2))
        self.breaches.append(f"{method} {path}: no answer for {GIVE_UP_S:.0f} s")
        return 0
