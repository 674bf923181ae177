"""Outside calls beside the stream: one chain of calls a key, as many keys as the limit allows.

The records that concern a key stay uncommitted until its chain has ended. So a call whose worker dies is
found again by the next owner, in the row, when one of those records is replayed.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from app.delivery.contract import Calls, Send
from app.delivery.draft import Draft
from app.delivery.ranges import Range
from app.delivery.sink import OnOffset
from app.delivery.table import RowTable

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

LEAST_ROOM = 2000


class Chain:
    """The calls of one key, and the ranges that wait for their end."""

    __slots__ = ("key", "partition", "ranges", "task")

    def __init__(self, partition: int, key: str) -> None:
        self.partition = partition
        self.key = key
        self.ranges: list[Range] = []
        self.task: asyncio.Task[None] | None = None

    def hold(self, ranges: Iterable[Range]) -> None:
        """Keep these ranges from being committed until the chain ends."""
        for held in ranges:
            held.holds += 1
            self.ranges.append(held)


class Touched:
    """Which keys a slice concerned, and in which ranges; `era` counts the times that the partitions have left."""

    def __init__(self, era: int) -> None:
        self.era = era
        self.keys: dict[str, tuple[int, set[Range]]] = {}

    def add(self, partition: int, key: str, held: Range) -> None:
        """Note that a record in the range `held` concerned `key`."""
        known = self.keys.get(key)
        if known is None:
            self.keys[key] = partition, {held}
        else:
            known[1].add(held)


class Caller:
    """Starts, settles and ends the chains of one participant. `on_safe` is told which keys were settled,
    `on_offset` where their records stand."""

    def __init__(
        self,
        app: "DeliveryApp",
        table: RowTable,
        calls: Calls,
        on_safe: Callable[[Iterable[str]], None],
        on_offset: OnOffset | None = None,
    ) -> None:
        self._app = app
        self._table = table
        self._calls = calls
        self._on_safe = on_safe
        self._on_offset = on_offset
        self._room = max(LEAST_ROOM, 4 * calls.limit)
        self._has_room = asyncio.Event()
        self._has_room.set()
        self._running = 0
        self._waiting: deque[tuple[Chain, Any]] = deque()
        self._chains: dict[str, Chain] = {}
        self._unsafe: Counter[str] = Counter()  # key -> how many slices concern it and are not safe yet
        self._era = 0
        self._answers: list[tuple[Chain, Any]] = []
        self._settling: asyncio.Task[None] | None = None

    async def room(self) -> None:
        """Wait while too many keys have calls under way."""
        await self._has_room.wait()

    def touched(self) -> Touched:
        """Begin to note the keys of a slice."""
        return Touched(self._era)

    def sent(self, touched: Touched) -> None:
        """The slice is on its way: its rows may be in memory, but are not in Kafka yet."""
        self._unsafe.update(touched.keys.keys())

    def safe(self, touched: Touched) -> None:
        """The slice is safe: hold its records for running chains, and start the calls that are due.

        While the partitions are leaving no call is started, so the records are not committed either: the next owner
        reads them again, and makes the calls.
        """
        if touched.era != self._era or not self._app.drain.is_current():
            for _, ranges in touched.keys.values():
                for left in ranges:
                    left.holds += 1
            return
        for key, (partition, ranges) in touched.keys.items():
            self._unsafe[key] -= 1
            all_safe = not self._unsafe[key]
            if all_safe:
                del self._unsafe[key]
            chain = self._chains.get(key)
            if chain is not None:
                chain.hold(ranges)
            elif all_safe:  # else another slice may have written the row, and looks at it when that is safe
                self._start(Chain(partition, key), ranges)

    def _start(self, chain: Chain, ranges: Iterable[Range]) -> None:
        intent = self._due(chain)
        if intent is None:
            return
        chain.hold(ranges)
        self._chains[chain.key] = chain
        self._call(chain, intent)
        if len(self._chains) >= self._room:
            self._has_room.clear()

    def _due(self, chain: Chain) -> Any | None:
        row = self._table.rows_of(chain.partition).get(chain.key)
        return None if row is None else self._calls.due(chain.key, row)

    def _call(self, chain: Chain, intent: Any) -> None:
        self._app.stats.calls_started += 1
        if self._running < self._calls.limit:
            self._begin(chain, intent)
        else:
            self._waiting.append((chain, intent))

    def _begin(self, chain: Chain, intent: Any) -> None:
        self._running += 1
        self._app.stats.calls_running += 1
        chain.task = self._app.spawn(self._perform(chain, intent), f"the call for {chain.key}")
        chain.task.add_done_callback(self._performed)  # also when it is cancelled before it has begun

    def _performed(self, _task: "asyncio.Task[None]") -> None:
        self._running -= 1
        self._app.stats.calls_running -= 1
        if self._waiting:
            self._begin(*self._waiting.popleft())

    async def _perform(self, chain: Chain, intent: Any) -> None:
        answer = await self._calls.perform(chain.key, intent, self._tell)
        self._answers.append((chain, answer))
        if self._settling is None:
            self._settling = self._app.spawn(self._settle(), "settling answers")

    async def _tell(self, send: Send) -> None:
        if not self._app.drain.is_current():
            return  # the next owner makes the call, and tells of it
        self._app.guard.check("before a call's send")
        out = self._app.sink.begin()
        out.send(send.topic, send.key, send.value, headers=send.headers)
        await out.done()

    async def _settle(self) -> None:
        """Settle all answers that are there, slice by slice, until there are none."""
        try:
            while self._answers:
                answers, self._answers = self._answers, []
                live = [(chain, answer) for chain, answer in answers if self._chains.get(chain.key) is chain]
                if not live or not self._app.drain.is_current():
                    continue  # the next owner makes these calls again, with the same keys
                self._app.guard.check("before answers are settled")
                draft = Draft(self._table, self._on_offset)
                for chain, answer in live:
                    rows = self._table.rows_of(chain.partition)
                    draft.add(chain.partition, self._calls.settle(rows, chain.key, answer))
                await draft.send(self._app.sink)
                self._on_safe(key for _, key in draft.written)
                for chain, _ in live:
                    if self._chains.get(chain.key) is chain:
                        self._go_on(chain)
        finally:
            self._settling = None

    def _go_on(self, chain: Chain) -> None:
        """Make the next call of a chain, or end it."""
        intent = None if chain.key in self._unsafe else self._due(chain)
        if intent is not None:
            self._call(chain, intent)
            return
        for held in chain.ranges:
            held.holds -= 1
        del self._chains[chain.key]
        if len(self._chains) < self._room:
            self._has_room.set()

    def leave(self) -> None:
        """The partitions are leaving: stop all calls at once."""
        self._waiting.clear()
        for chain in self._chains.values():
            if chain.task is not None:
                chain.task.cancel()
        self._chains.clear()
        self._unsafe.clear()
        self._era += 1
        self._answers.clear()
        self._has_room.set()
