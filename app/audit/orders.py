"""The orders as the log has them, and which of them can be judged beyond their own row."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from app.adapters.kafka_log import Committed, LogRecord, Spans
from app.audit.books import Book
from app.audit.prints import Prints
from app.audit.replay import Replay, began_before
from app.audit.report import Report
from app.delivery import Row
from app.domain import saga
from schemas.rows import OrderRow


class Orders:
    """What the replay of the orders' topic came to.

    `judged`: the orders whose whole log is there. `settled`: those of them that were at rest, with every message to
    them committed, before any store was read: whatever they caused is done. `made`: all their rows ever.
    """

    def __init__(self) -> None:
        self.judged: dict[str, OrderRow] = {}
        self.partition: dict[str, int] = {}
        self.settled: set[str] = set()
        self.made = Prints()
        self._replay: Replay

    def note(self, key: str, row: Row, record: LogRecord) -> None:
        """Note that the record wrote this order."""
        self.made.note(row)
        self.partition[key] = record.partition

    def close(self, replay: Replay, book: Book, spans: Spans, blocked: Collection[str], report: Report) -> None:
        """Sort the orders, once all of their log is read."""
        self._replay = replay
        cut = {order_id for order_id, kept in book.items() if _cut(kept.row, spans[kept.partition].low)}
        if cut:
            report.not_judged.append(f"{len(cut)} orders whose first messages retention has cut from the log")
        for order_id, partition in self.partition.items():
            if order_id in cut or order_id in blocked:
                continue
            row: OrderRow = replay.rows[partition][order_id]
            self.judged[order_id] = row
            quiet = replay.seen[order_id] < replay.committed(partition)
            if quiet and saga.at_rest(row.order):
                self.settled.add(order_id)

    def committed(self, order_id: str) -> int:
        """The offset below which the messages of the order's partition are committed."""
        return self._replay.committed(self.partition[order_id])

    def settle(self, topic: str, last: Mapping[str, int], committed: Committed) -> None:
        """Leave those out whose last command to `topic`, at this offset, was not committed: its row may not be safe."""
        late = (
            order_id
            for order_id, offset in last.items()
            if order_id in self.settled and offset >= committed.get((topic, self.partition[order_id]), 0)
        )
        self.settled.difference_update(list(late))

    def count(self, report: Report) -> None:
        """Say how the orders stand."""
        report.orders = len(self.judged)
        report.in_flight = sorted(self.judged.keys() - self.settled)
        for order_id in self.settled:
            report.ended[saga.STATUS[self.judged[order_id].order.state].value] += 1


def _cut(row: Row | None, low: int) -> bool:
    return row is not None and began_before(row, low)
