"""What was told of stock, and what MongoDB shows of it.

Compaction keeps the last fact of each product for certain, so that one must be there: as new as the product was made by
the last message that is committed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.books import Book
from app.audit.facts import REBUILD, Shown, facts_in
from app.audit.report import Kind, Report
from app.delivery import Row
from schemas.rows import StockRow

_TELL: Final = f"Send the product's row as a fact to {topics.INVENTORY_EVENTS}"


class StockFacts:
    """The facts of stock as they stand in the log; `shown` is what MongoDB shows of each product."""

    def __init__(self, shown: Mapping[str, Shown], committed: Committed, report: Report) -> None:
        self._shown = shown
        self._committed = committed
        self._report = report
        self._made: dict[str, StockRow] = {}  # the rows that the log makes of the versions that MongoDB shows
        self._changed: dict[str, int] = {}  # product -> the version that its last committed change makes
        self._judged: set[str] = set()
        self._safe: dict[str, int] = {}  # product -> the version that must have been told
        self._told: dict[str, int] = {}
        self._projected: dict[str, int] = {}

    def note(self, row: Row, record: LogRecord) -> None:
        """Look at a row that the record made."""
        if not isinstance(row, StockRow):
            return
        found = self._shown.get(row.product_id)
        if found is not None and found.version == row.version:
            self._made[row.product_id] = row
        if self._is_committed(record.topic, record.partition, record.offset):
            self._changed[row.product_id] = row.version

    def close(self, judged: Iterable[str], book: Book) -> None:
        """Take in which products the log makes as they are. Of the others it is known what their rows in `book` say."""
        self._judged.update(judged)
        self._safe = {it: self._changed[it] for it in self._judged & self._changed.keys()}
        for product_id, kept in book.items():
            row = kept.row
            if isinstance(row, StockRow) and self._is_committed(topics.INVENTORY, kept.partition, kept.version):
                self._safe[product_id] = max(row.version, self._safe.get(product_id, 0))

    def take(self, records: Iterable[LogRecord]) -> None:
        """Look at facts."""
        for record, fact in facts_in(records, topics.read_stock_fact, self._report):
            self._told[fact.product_id] = max(fact.version, self._told.get(fact.product_id, 0))
            if self._is_committed(record.topic, record.partition, record.offset):
                self._projected[fact.product_id] = max(fact.version, self._projected.get(fact.product_id, 0))

    def take_newer(self, records: Iterable[LogRecord]) -> None:
        """Look at facts once more, at those that came meanwhile too: compaction may have put one in another's place."""
        for _, fact in facts_in(records, topics.read_stock_fact, Report()):
            self._told[fact.product_id] = max(fact.version, self._told.get(fact.product_id, 0))

    def lacking(self) -> dict[str, int]:
        """The products whose last committed change was not told, and the version that it made."""
        return {it: version for it, version in self._safe.items() if version > self._told.get(it, 0)}

    def judge(self) -> None:
        """Report what was not told, and which products MongoDB shows otherwise."""
        for product_id, version in self.lacking().items():
            last = f"version {self._told[product_id]}" if product_id in self._told else "nothing"
            detail = f"version {version} is committed and was never told; what was told last is {last}"
            self._says(Kind.FACT_MISSING, product_id, detail, _TELL)
        for product_id in self._judged:
            found, due = self._shown.get(product_id), self._projected.get(product_id, 0)
            if due > (found.version if found else 0):
                has = f"version {found.version}" if found else "nothing"
                detail = f"version {due} is projected, MongoDB has {has}"
                self._says(Kind.PROJECTION_BEHIND, product_id, detail, REBUILD)
            if found is None:
                continue
            row = self._made.get(product_id)
            really = (row.stock.on_hand, row.stock.reserved) if row else None
            if really != found.says:
                detail = f"MongoDB says (on hand, reserved) {found.says} in version {found.version}, which was {really}"
                self._says(Kind.PROJECTION_DIFFERS, product_id, detail, REBUILD)

    def _is_committed(self, topic: str, partition: int, offset: int) -> bool:
        return offset < self._committed.get((topic, partition), 0)

    def _says(self, kind: Kind, product_id: str, detail: str, mend: str) -> None:
        self._report.add(kind, f"stock of {product_id}", detail, mend, products=(product_id,))
