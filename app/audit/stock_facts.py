"""What was told of stock, and what MongoDB shows of it.

Compaction keeps the last fact of each product for certain, so that one must be there: as new as the product was made by
the last message that is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.books import Book
from app.audit.facts import FALSE, REBUILD, Shown, facts_in
from app.audit.prints import Prints
from app.audit.report import Kind, Report
from app.delivery import Row
from schemas.codec import encode, remade
from schemas.facts import StockChanged
from schemas.rows import StockRow

_TELL: Final = f"Send the product's row as a fact to {topics.INVENTORY_EVENTS}"


class StockFacts:
    """The facts of stock as they stand in the log; `shown` is what MongoDB shows of each product."""

    def __init__(self, shown: Mapping[str, Shown], committed: Committed, report: Report) -> None:
        self._shown = shown
        self._committed = committed
        self._report = report
        self._made = Prints()
        self._partition: dict[str, int] = {}
        self._as_shown: dict[str, StockRow] = {}  # the rows that the log makes of the versions that MongoDB shows
        self._changed: dict[str, int] = {}  # product -> the version that its last committed change makes
        self._whole: Collection[int] = ()
        self._doubted: Collection[str] = ()
        self._kept: dict[str, StockRow] = {}
        self._safe: dict[str, int] = {}  # product -> the version that must have been told
        self._told: dict[str, int] = {}
        self._projected: dict[str, int] = {}

    def note(self, row: Row, record: LogRecord) -> None:
        """Look at a row that the record made."""
        if not isinstance(row, StockRow):
            return
        self._made.note(row)
        self._partition[row.product_id] = record.partition
        found = self._shown.get(row.product_id)
        if found is not None and found.version == row.version:
            self._as_shown[row.product_id] = row
        if self._is_committed(record.topic, record.partition, record.offset):
            self._changed[row.product_id] = row.version

    def close(self, whole: Collection[int], doubted: Collection[str], book: Book) -> None:
        """Take in which partitions are there from their beginning, so that the log makes their products as they are.

        Of the others, and of `doubted` products, it is known what their rows in `book` say.
        """
        self._whole, self._doubted = whole, doubted
        self._safe = {it: version for it, version in self._changed.items() if self._is_made(it, self._partition[it])}
        for product_id, kept in book.items():
            if not isinstance(kept.row, StockRow):
                continue
            self._kept[product_id] = kept.row
            if self._is_committed(topics.INVENTORY, kept.partition, kept.version):
                self._safe[product_id] = max(kept.row.version, self._safe.get(product_id, 0))

    def take(self, records: Iterable[LogRecord]) -> None:
        """Look at facts. What is told falsely is not told."""
        for record, fact in facts_in(records, topics.read_stock_fact, self._report):
            if not self._is_true(fact, record):
                where = f"{record.topic}-{record.partition}@{record.offset}"
                detail = f"{where} tells {_words(fact)} of version {fact.version}: no message made it so"
                self._says(Kind.FACT_WITHOUT_CAUSE, fact.product_id, detail, FALSE)
                continue
            self._told[fact.product_id] = max(fact.version, self._told.get(fact.product_id, 0))
            if self._is_committed(record.topic, record.partition, record.offset):
                self._projected[fact.product_id] = max(fact.version, self._projected.get(fact.product_id, 0))

    def take_newer(self, records: Iterable[LogRecord]) -> None:
        """Look at facts that came meanwhile: one of them may stand for one that compaction has just taken."""
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
        for product_id, partition in self._partition.items():
            if self._is_made(product_id, partition):
                self._judge_shown(product_id)

    def _judge_shown(self, product_id: str) -> None:
        found, due = self._shown.get(product_id), self._projected.get(product_id, 0)
        if due > (found.version if found else 0):
            has = f"version {found.version}" if found else "nothing"
            self._says(Kind.PROJECTION_BEHIND, product_id, f"version {due} is projected, MongoDB has {has}", REBUILD)
        if found is None:
            return
        row = self._as_shown.get(product_id)
        really = (row.stock.on_hand, row.stock.reserved) if row else None
        if really != found.says:
            detail = f"MongoDB says (on hand, reserved) {found.says} in version {found.version}, which was {really}"
            self._says(Kind.PROJECTION_DIFFERS, product_id, detail, REBUILD)

    def _is_true(self, fact: StockChanged, record: LogRecord) -> bool:
        """Whether the log makes it; where that can't be known, whether the table says so of the version that it has."""
        row = remade(StockRow, fact)
        if self._is_made(fact.product_id, self._partition.get(fact.product_id, record.partition)):
            return self._made.has(row)
        kept = self._kept.get(fact.product_id)
        return kept is None or kept.version != row.version or encode(kept) == encode(row)

    def _is_made(self, product_id: str, partition: int) -> bool:
        return partition in self._whole and product_id not in self._doubted

    def _is_committed(self, topic: str, partition: int, offset: int) -> bool:
        return offset < self._committed.get((topic, partition), 0)

    def _says(self, kind: Kind, product_id: str, detail: str, mend: str) -> None:
        self._report.add(kind, f"stock of {product_id}", detail, mend, products=(product_id,))


def _words(fact: StockChanged) -> str:
    counters = fact.stock.on_hand, fact.stock.reserved
    return f"(on hand, reserved) {counters} and a price of {fact.price_minor} {fact.currency}"
