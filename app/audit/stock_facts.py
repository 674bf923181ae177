"""What was told of stock, and what MongoDB shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.facts import REBUILD, Shown, facts_in
from app.audit.report import Kind, Report
from app.delivery import Row
from schemas.rows import StockRow


class StockFacts:
    """The facts of stock as they stand in the log; `shown` is what MongoDB shows of each product."""

    def __init__(self, shown: Mapping[str, Shown], committed: Committed, report: Report) -> None:
        self._shown = shown
        self._committed = committed
        self._report = report
        self._made: dict[str, StockRow] = {}
        self._due: dict[str, int] = {}

    def note(self, row: Row) -> None:
        """Look at a row that the log makes, whether MongoDB shows that version of it."""
        if not isinstance(row, StockRow):
            return
        found = self._shown.get(row.product_id)
        if found is not None and found.version == row.version:
            self._made[row.product_id] = row

    def take(self, records: Iterable[LogRecord]) -> None:
        """Look at facts."""
        for record, fact in facts_in(records, topics.read_stock_fact, self._report):
            if record.offset < self._committed.get((record.topic, record.partition), 0):
                self._due[fact.product_id] = max(fact.version, self._due.get(fact.product_id, 0))

    def judge(self, judged: Iterable[str]) -> None:
        """Report which of these products MongoDB shows otherwise."""
        for product_id in judged:
            found, due = self._shown.get(product_id), self._due.get(product_id, 0)
            if due > (found.version if found else 0):
                has = f"version {found.version}" if found else "nothing"
                detail = f"version {due} is projected, MongoDB has {has}"
                self._says(Kind.PROJECTION_BEHIND, product_id, detail)
            if found is None:
                continue
            row = self._made.get(product_id)
            really = (row.stock.on_hand, row.stock.reserved) if row else None
            if really != found.says:
                detail = f"MongoDB says (on hand, reserved) {found.says} in version {found.version}, which was {really}"
                self._says(Kind.PROJECTION_DIFFERS, product_id, detail)

    def _says(self, kind: Kind, product_id: str, detail: str) -> None:
        self._report.add(kind, f"stock of {product_id}", detail, REBUILD, products=(product_id,))
