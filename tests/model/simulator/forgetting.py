"""Orders that are over leave the tables, at any moment at which they may; and MongoDB, which has them from then on.

An order is *old* once its retention is over. From then on nobody sends it anything: views answer from MongoDB, and a
worker that was paused with something for it in its hands has been so for longer than any pause: it writes no more.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

import orjson

from app import topics
from app.domain import retention
from app.domain.retention import Keeping
from schemas.rows import OrderRow, ReservationRow
from tests.model.simulator.broker import PARTITIONS, Broker, Entry, Write
from tests.model.simulator.roles import ROLES
from tests.model.simulator.slices import Place
from tests.model.simulator.story import Story
from tests.model.simulator.violation import Violation
from tests.model.simulator.worker import Worker

AT_ONCE = Keeping(0, 0, 0, 0)


@dataclass
class Forgetting:
    """`graves` has the rows that have left, by topic and key; `projected` the version of each order in MongoDB."""

    broker: Broker
    random: Random
    story: Story
    old: set[str] = field(default_factory=set)
    graves: dict[tuple[str, str], Any] = field(default_factory=dict)
    projected: dict[str, int] = field(default_factory=dict)
    _read: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))

    def age(self, rows: list[OrderRow], zombies: list[Worker]) -> None:
        """The retention of one finished order is over."""
        over = [row.order_id for row in rows if row.order_id not in self.old and retention.order_is_over(row.order)]
        if not over:
            return
        order_id = self.random.choice(over)
        self.old.add(order_id)
        self.story.tell(f"{order_id} is old", order_id)
        for zombie in zombies:
            if any(is_about(write, order_id) for queue in zombie.queues.values() for write, _ in queue):
                zombie.queues.clear()  # all of it: a slice is sent from its beginning on, or not

    def concerns_old(self, entry: Entry) -> bool:
        """Whether a message is about an old order."""
        return any(is_about(entry, order_id) for order_id in self.old)

    def things_to_do(self, worker: Worker) -> Iterator[Callable[[], None]]:
        """What a worker can do to have rows leave."""
        for place, leave in worker.leaves.items():
            if not leave.leaving and self._over(worker, place):
                yield partial(self._note, worker, place)
            elif leave.leaving and leave.farewell is None and worker.may_leave(place):
                yield partial(self._say_farewell, worker, place)
            elif leave.farewell is not None and self.is_said(leave.farewell):
                yield partial(self._let_go, worker, place)

    @staticmethod
    def is_said(farewell: Any) -> bool:
        """Whether the broker has the farewell."""
        return bool(farewell.unsafe == 0)

    def project(self) -> Iterator[Callable[[], None]]:
        """What MongoDB can be told next."""
        for partition in range(PARTITIONS):
            if self._read[partition] < len(self.broker.logs[topics.ORDER_EVENTS, partition]):
                yield partial(self._project, partition)

    def _project(self, partition: int) -> None:
        fact = orjson.loads(self.broker.logs[topics.ORDER_EVENTS, partition][self._read[partition]].value)
        self._read[partition] += 1
        self.projected[fact["order_id"]] = max(fact["change"]["version"], self.projected.get(fact["order_id"], 0))

    def _over(self, worker: Worker, place: Place) -> list[str]:
        leaves_at_ms = ROLES[place[0]].leaves_at_ms
        return [
            key
            for key, row in worker.rows[place].items()
            if order_of(key, row) in self.old and leaves_at_ms(row, AT_ONCE) is not None
        ]

    def _note(self, worker: Worker, place: Place) -> None:
        worker.note(place, self._over(worker, place))

    def kept(self, place: Place, rows: dict[str, Any]) -> list[str]:
        """Those of the rows that MongoDB has; only orders are asked for."""
        if place[0] != topics.ORDERS:
            return list(rows)
        return [key for key, row in rows.items() if self.projected.get(key, 0) >= row.order.version]

    def _say_farewell(self, worker: Worker, place: Place) -> None:
        leaving = worker.leaves[place].leaving
        keys = self.kept(place, leaving.still(worker.rows[place], leaving.keys))
        sends = [send for key in keys for send in ROLES[place[0]].farewell(worker.rows[place][key])]
        worker.say_farewell(place, keys, sends)
        self.story.tell(f"{worker.name} says farewell to {', '.join(keys) or 'nobody'}", " ".join(keys))

    def _let_go(self, worker: Worker, place: Place) -> None:
        for key, row in worker.let_go(place).items():
            self.graves.setdefault((place[0], key), row)  # a late release may leave a stray of the same name
            self.story.tell(f"{worker.name} lets {key} of {place[0]} go", order_of(key, row))
            if place[0] == topics.ORDERS and self.projected.get(key, 0) < row.order.version:
                raise Violation(key, "it has left its table before MongoDB has it")

    def check_end(self, live: dict[str, dict[str, Any]]) -> None:
        """Of an order that has left nothing is left. Raises `Violation`."""
        gone = {key for topic, key in self.graves if topic == topics.ORDERS} - live[topics.ORDERS].keys()
        for topic, rows in live.items():
            for key, row in rows.items():
                if order_of(key, row) in gone:
                    raise Violation(order_of(key, row), f"it has left, and its row {key} of {topic} has not: {row}")


def order_of(key: str, row: Any) -> str:
    """The order that a row is about; empty for the product's own rows."""
    if isinstance(row, ReservationRow):
        return row.order_id
    return "" if "/" in key or (not hasattr(row, "order") and not hasattr(row, "opened_at")) else key


def is_about(write: Write | Entry, order_id: str) -> bool:
    """Whether a record is about this order."""
    key = write.key.decode(errors="replace")
    named = b'"order_id":"%b"' % order_id.encode()
    return key == order_id or key.endswith(f"/order/{order_id}") or named in write.value
