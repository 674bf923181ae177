"""Changes of stock that come again when the time of their marker is over: made once more, or recognised?

A marker leaves some time after its time is over: a worker looks every ten minutes, and while none runs nothing leaves.
So the log alone does not say what became of such a change. What it wrote then does: a marker of its own, which stays
for as long as the first one did. Once that time is over, too, both may have been, and the product can't be judged.
"""

from __future__ import annotations

from collections.abc import Callable

from app import topics
from app.adapters.kafka_log import Committed
from app.audit.books import Book
from app.delivery import ConsumerRecord, Effects, Rows
from app.participants import inventory
from app.participants.leaving import KEEPING, stock_leaves_at_ms
from app.participants.reading import read
from schemas.commands import SupplyCommand
from schemas.rows import AdjustmentRow, adjustment_key, stock_key


class Markers:
    """Decides on messages to stock as the workers did, which had lost markers by then. `book` is their table.

    `doubted` are the products of which it can't be known: from there on nothing is made of their messages.
    """

    def __init__(self, book: Book, committed: Committed, now_ms: Callable[[], int]) -> None:
        self.doubted: set[str] = set()
        self._book = book
        self._committed = committed
        self._now_ms = now_ms

    def decide(self, rows: Rows, record: ConsumerRecord) -> Effects:
        """What one message does to its product. Raises `Refused`."""
        if (record.key or b"").decode(errors="replace") in self.doubted:
            return Effects()
        effects = inventory.decide(rows, record)
        change = None if effects.rows else _change_in(record)
        if change is None:
            return effects
        key = adjustment_key(change.product_id, change.idempotency_key)
        leaves_at_ms = stock_leaves_at_ms(rows[key])
        if leaves_at_ms is None or leaves_at_ms > record.timestamp:
            return effects
        made = self._was_made(key, record)
        if made is None:
            self.doubted.add(change.product_id)
            return Effects()
        # a change of stock looks at the counters and at its marker alone
        counters = stock_key(change.product_id)
        return inventory.decide({counters: rows[counters]} if counters in rows else {}, record) if made else effects

    def _was_made(self, key: str, record: ConsumerRecord) -> bool | None:
        """Whether the message found no marker; None when nothing tells."""
        kept = self._book.get(key)
        marker: AdjustmentRow | None = None if kept is None else kept.row
        if marker is not None and marker.adjustment.offset == record.offset:
            return True
        if record.offset >= self._committed.get((record.topic, record.partition), 0):
            return None  # it may be made just now, behind the table that was read
        if marker is not None and marker.adjustment.offset < record.offset:
            return False
        # Had it been made, its own marker would have been there until its time was over. At the latest a change that
        # was made later found none.
        none_at_ms = self._now_ms() if marker is None else marker.changed_at_ms
        return False if none_at_ms < record.timestamp + KEEPING.adjustment_ms else None


def _change_in(record: ConsumerRecord) -> SupplyCommand | None:
    command = read(topics.read_stock_command, record, "product_id")
    return command if isinstance(command, SupplyCommand) else None
