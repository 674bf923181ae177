"""The customers: orders at a steady rate, sent to workers that live, with patient retries.

They run on a loop of their own in a thread of their own, so that they go on while a fault is being done.
"""

import asyncio
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any, NamedTuple

import aiohttp
import orjson

from tests.chaos.shopping import Shopping

TIMEOUT_S = 30.0
GIVE_UP_S = 60.0
"""How long after the last order was placed customers still insist on an answer."""
LONGEST_PAUSE_S = 5.0
TAKEN = frozenset({200, 201})
CANCEL, NAMED, UNNAMED = "cancel", "order with an id", "order without an id"
CANCEL_ANSWERS = frozenset({200, 202, 409})


class Call(NamedTuple):
    """A call that was not answered as wanted, and when it was made and over, by the monotonic clock."""

    url: str
    began: float
    ended: float
    what: str
    why: str


class Traffic:
    """`rate_per_s` orders a second, at most `limit`, sent to the workers that `urls` names at that time."""

    def __init__(
        self,
        urls: Callable[[], list[str]],
        shopping: Shopping,
        rate_per_s: float,
        seed: int,
        limit: float = float("inf"),
    ) -> None:
        self.posted = 0
        self.taken: set[str] = set()
        self.created: Counter[str] = Counter()
        self.answers: Counter[str] = Counter()
        self.slowest_s: defaultdict[str, float] = defaultdict(float)
        self.silences: list[Call] = []
        self.refusals: list[Call] = []
        self.breaches: list[str] = []
        self.cancels = 0
        self.doubles = 0
        self._urls = urls
        self._shopping = shopping
        self._rate_per_s = rate_per_s
        self._limit = limit
        self._chance = random.Random(seed)
        self._give_up_at = float("inf")
        self._stop = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), name="traffic")

    def start(self) -> None:
        """Begin to place orders."""
        self._thread.start()

    def stop(self) -> None:
        """Place no more, and see those that are under way through."""
        self._give_up_at = time.monotonic() + GIVE_UP_S
        self._stop.set()

    @property
    def placing(self) -> bool:
        """Whether there are orders to come."""
        return self.alive and self.posted < self._limit

    @property
    def alive(self) -> bool:
        """Whether an answer is still waited for."""
        return self._thread.is_alive()

    async def _run(self) -> None:
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        connector = aiohttp.TCPConnector(limit=1024)
        headers = {"x-api-key": "demo"}
        async with (
            aiohttp.ClientSession(headers=headers, timeout=timeout, connector=connector) as self._session,
            asyncio.TaskGroup() as group,
        ):
            began = time.monotonic()
            while not self._stop.is_set() and self.posted < self._limit:
                if self.posted < (time.monotonic() - began) * self._rate_per_s:
                    group.create_task(self._order(self.posted))
                    self.posted += 1
                else:
                    await asyncio.sleep(0.005)

    async def _order(self, number: int) -> None:
        wish = self._shopping(self._chance, number)
        self.doubles += wish.double_after_s is not None
        copies = 2 if wish.double_after_s == 0 else 1
        placed = await asyncio.gather(*(self._post(wish.body) for _ in range(copies)))
        if wish.cancel_after_s is not None and placed[0]:
            self.cancels += 1
            await asyncio.sleep(wish.cancel_after_s)
            await self._insist("PUT", f"/v1/orders/{placed[0]}/cancel", {}, CANCEL_ANSWERS)
        if wish.double_after_s:
            await asyncio.sleep(wish.double_after_s)
            await self._post(wish.body)

    async def _post(self, body: dict[str, Any]) -> str | None:
        """The id of the order once it is taken."""
        status, told = await self._insist("POST", "/v1/orders", body, TAKEN)
        if status not in TAKEN:
            return None
        order_id = str(orjson.loads(told)["orderId"])
        self.taken.add(order_id)
        self.created[order_id] += status == 201
        return order_id

    async def _insist(self, method: str, path: str, body: dict[str, Any], wanted: frozenset[int]) -> tuple[int, str]:
        """Repeat the call until it is answered as wanted; anything else than that and 503 is noted as a breach."""
        what = CANCEL if method == "PUT" else NAMED if "orderId" in body else UNNAMED
        pause_s = 0.0
        while time.monotonic() < self._give_up_at:
            urls = self._urls()
            if not urls:
                await asyncio.sleep(0.05)
                continue
            url = self._chance.choice(urls)
            began = time.monotonic()
            try:
                async with self._session.request(method, url + path, json=body) as answer:
                    told = await answer.text()
                    status, retry_after = answer.status, answer.headers.get("Retry-After")
            except (aiohttp.ClientError, TimeoutError) as error:
                self.answers[f"{what}: none"] += 1
                self.silences.append(Call(url, began, time.monotonic(), what, repr(error)))
                await asyncio.sleep(0.25)
                continue
            self.answers[f"{what}: {status}"] += 1
            ended = time.monotonic()
            self.slowest_s[what] = max(self.slowest_s[what], ended - began)
            if status in wanted:
                return status, told
            if status != 503 or retry_after is None:
                self.breaches.append(f"{method} {path}: {status} {told[:300]}")
                return status, told
            self.refusals.append(Call(url, began, ended, what, str(orjson.loads(told)["detail"])))
            pause_s = max(float(retry_after), min(2 * pause_s, LONGEST_PAUSE_S))
            await asyncio.sleep(pause_s * (1 + self._chance.random()))
        self.breaches.append(f"{method} {path}: not answered until {GIVE_UP_S:.0f} s after the load")
        return 0, ""
