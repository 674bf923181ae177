"""An open-rate load: orders are placed when they are due, however long the earlier ones take.

Times count from when an order was *due*, not from when a connection was free for it, so a server that stalls can't
hide the orders it kept waiting (coordinated omission). They end when this client sees the order at rest: followers
take the oldest order first, and are many, so that somebody watches when it happens.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import Final

from app.cli.api import Api, Reply, Unreachable
from app.cli.follow import ENDED, order_path
from app.cli.load_plan import LoadOptions, PlannedOrder, plan
from app.cli.load_report import Tally

FOLLOWERS: Final = 192
"""Orders that are watched at once; with the calls that place orders they stay below what a worker takes in at once."""
WAIT_S: Final = 5
PAUSE_S: Final = 0.1

_TAKEN_ANSWERS: Final = frozenset({200, 201})
_CANCEL_ANSWERS: Final = frozenset({200, 202, 409})


class LoadRun:
    """One run. `on_placed` and `on_rest` are called for each order."""

    def __init__(
        self, api: Api, options: LoadOptions, on_placed: Callable[[], None], on_rest: Callable[[], None]
    ) -> None:
        self.tally = Tally(options.orders)
        self._api = api
        self._options = options
        self._on_placed = on_placed
        self._on_rest = on_rest
        self._placed: asyncio.Queue[tuple[str, float] | None] = asyncio.Queue()

    async def run(self) -> Tally:
        """Place all, follow all to their rest, and say what was seen."""
        self._began_s = self._progress_s = time.monotonic()
        followers = min(FOLLOWERS, self._options.orders)
        planned = plan(self._options)
        async with asyncio.TaskGroup() as following:
            for _ in range(followers):
                following.create_task(self._follow_orders())
            async with asyncio.TaskGroup() as posting:
                for _ in range(self._options.concurrency):
                    posting.create_task(self._post_orders(planned, posting))
            for _ in range(followers):
                self._placed.put_nowait(None)
        return self.tally

    async def _post_orders(self, planned: Iterator[PlannedOrder], cancelling: asyncio.TaskGroup) -> None:
        for order in planned:  # shared by all posters: each takes the next one
            now_s = time.monotonic()
            due_s = now_s if order.due_s is None else self._began_s + order.due_s
            await asyncio.sleep(max(0.0, due_s - now_s))
            self.tally.late_s.append(time.monotonic() - due_s)
            if not await self._posted(order, due_s):
                continue
            self._made_progress()
            self.tally.placed += 1
            self.tally.placed_s.append(time.monotonic() - due_s)
            self._on_placed()
            self._placed.put_nowait((order.order_id, due_s))
            if order.cancel_after_s is not None:
                cancelling.create_task(self._cancel(order.order_id, order.cancel_after_s))

    async def _posted(self, order: PlannedOrder, due_s: float) -> bool:
        """Post the order, and again with the same id while it can't be taken; returns whether it was."""
        copies = 2 if order.doubled else 1
        self.tally.doubled += copies - 1
        replies = await asyncio.gather(*(self._insist("POST", "/v1/orders", due_s, order.body) for _ in range(copies)))
        if [reply.status for reply in replies].count(201) > 1:
            self.tally.errors["one order was taken in twice"] += 1
        refused = [reply for reply in replies if reply.status not in _TAKEN_ANSWERS]
        self.tally.errors.update(f"place: {reply.problem}" for reply in refused)
        return len(refused) < copies

    async def _cancel(self, order_id: str, pause_s: float) -> None:
        await asyncio.sleep(pause_s)
        self.tally.cancels += 1
        reply = await self._insist("PUT", order_path(order_id, "/cancel"), time.monotonic(), {})
        if reply.status not in _CANCEL_ANSWERS:
            self.tally.errors[f"cancel: {reply.problem}"] += 1

    async def _follow_orders(self) -> None:
        while (waiting := await self._placed.get()) is not None:
            order_id, due_s = waiting
            if not await self._followed(order_id, due_s):
                self.tally.unsettled.append(order_id)

    async def _followed(self, order_id: str, due_s: float) -> bool:
        """Watch the order until it is at rest, and count how it ended; returns whether it did."""
        while not self._is_late(due_s):
            asked_s = time.monotonic()
            reply = await self._insist("GET", order_path(order_id), due_s)
            if not reply.ok:
                self.tally.errors[f"follow: {reply.problem}"] += 1
                return False
            seen_s = time.monotonic()
            # SHIPPED is told before the stock is settled: an answer that took the whole wait came before the rest.
            waited = seen_s - asked_s >= WAIT_S
            if reply.told("status") in ENDED and not waited:
                self._count_end(reply, seen_s, due_s)
                return True
            if not waited:  # it came from the projection, which can't wait
                await asyncio.sleep(PAUSE_S)
        return False

    def _count_end(self, reply: Reply, seen_s: float, due_s: float) -> None:
        status = str(reply.told("status"))
        self.tally.ends[status] += 1
        if status == "REJECTED":
            self.tally.reasons[str(reply.told("reason"))] += 1
        self.tally.rest_s.append(seen_s - due_s)
        self.tally.lasted_s = seen_s - self._began_s
        self._made_progress()
        self._on_rest()

    async def _insist(self, method: str, path: str, due_s: float, body: object = None) -> Reply:
        """Make the call until it is answered; a worker that is away or busy is asked again."""
        headers = {"Prefer": f"wait={WAIT_S}"} if method == "GET" else {}
        try:
            return await self._api.insist(
                method, path, lambda: self._is_late(due_s), body, headers, through_outages=True, on_retry=self._retried
            )
        except Unreachable as error:
            return Reply(503, {"detail": str(error)})

    def _retried(self) -> None:
        self.tally.retries += 1

    def _made_progress(self) -> None:
        self._progress_s = time.monotonic()

    def _is_late(self, due_s: float) -> bool:
        return time.monotonic() > max(self._progress_s, due_s) + self._options.timeout_s
