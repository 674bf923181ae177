"""What was told of orders and stock, and what MongoDB shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.orders import Orders
from app.audit.report import Kind, Report
from schemas.codec import Undecodable
from schemas.rows import StockRow

_REBUILD: Final = "Rebuild the projection: faust -A app.main projection rebuild"


class Shown(NamedTuple):
    """What a document of MongoDB says: its version, and its status or its (on hand, reserved)."""

    version: int
    says: object


class Facts:
    """The facts of orders and stock, as they stand in the log.

    `due` is the highest version of each that the projection has committed: MongoDB must be that far.
    """

    def __init__(self, orders: Orders, committed: Committed, report: Report) -> None:
        self._orders = orders
        self._committed = committed
        self._report = report
        self._told: dict[str, set[int]] = {}
        self._due: dict[str, int] = {}
        self._stock_due: dict[str, int] = {}

    def take_orders(self, records: Iterable[LogRecord]) -> None:
        """Look at facts of orders, each against the history that its order has."""
        for record in records:
            try:
                fact = topics.read_order_fact(record.value)
            except Undecodable as error:
                self._unreadable(record, error)
                continue
            row = self._orders.judged.get(fact.order_id)
            if row is None:
                continue
            change = fact.change
            self._told.setdefault(fact.order_id, set()).add(change.version)
            happened = [it for it in row.order.history if it.version == change.version]
            if [it.status for it in happened] != [change.status]:
                detail = f"version {change.version} was told to be {change.status}, and is {happened or 'none'}"
                self._says(Kind.FACT_WITHOUT_CAUSE, fact.order_id, detail, "Tell whoever reads the facts")
            if self._is_committed(record):
                self._due[fact.order_id] = max(change.version, self._due.get(fact.order_id, 0))

    def take_stock(self, records: Iterable[LogRecord]) -> None:
        """Look at facts of stock."""
        for record in records:
            try:
                fact = topics.read_stock_fact(record.value)
            except Undecodable as error:
                self._unreadable(record, error)
                continue
            if self._is_committed(record):
                self._stock_due[fact.product_id] = max(fact.version, self._stock_due.get(fact.product_id, 0))

    def judge_orders(self, shown: Mapping[str, Shown], whole: bool) -> None:
        """Report changes that were not told, and documents that show something else. `whole`: as for the ledgers."""
        for order_id, row in self._orders.judged.items():
            told = self._told.get(order_id, set())
            for change in row.order.history:
                if change.offset < self._orders.committed(order_id) and change.version not in told:
                    detail = f"version {change.version}, {change.status}, was never told"
                    send = f"Send the order's row as a fact of {change.status} to {topics.ORDER_EVENTS}"
                    self._says(Kind.FACT_MISSING, order_id, detail, send)
            found, due = shown.get(order_id), self._due.get(order_id, 0)
            if due > (found.version if found else 0):
                has = f"version {found.version}" if found else "nothing"
                self._says(Kind.PROJECTION_BEHIND, order_id, f"version {due} is projected, MongoDB has {has}", _REBUILD)
            happened = {it.version: it.status.value for it in row.order.history}
            if found is not None and happened.get(found.version) != found.says:
                really = happened.get(found.version, "nothing")
                detail = f"MongoDB says {found.says} in version {found.version}, which was {really}"
                self._says(Kind.PROJECTION_DIFFERS, order_id, detail, _REBUILD)
        for order_id in shown.keys() - self._orders.judged.keys() if whole else ():
            self._says(Kind.PROJECTION_DIFFERS, order_id, "MongoDB shows an order that is not in the log", _REBUILD)

    def judge_stock(self, shown: Mapping[str, Shown], made: Mapping[str, StockRow], judged: Iterable[str]) -> None:
        """Report products that MongoDB shows otherwise. `made` are the rows of the versions that it shows."""
        for product_id in judged:
            found, due = shown.get(product_id), self._stock_due.get(product_id, 0)
            whose = {"products": (product_id,)}
            if due > (found.version if found else 0):
                detail = f"version {due} is projected, MongoDB has {f'version {found.version}' if found else 'nothing'}"
                self._report.add(Kind.PROJECTION_BEHIND, f"stock of {product_id}", detail, _REBUILD, **whose)
            if found is None:
                continue
            row = made.get(product_id)
            really = (row.stock.on_hand, row.stock.reserved) if row else None
            if really != found.says:
                detail = f"MongoDB says (on hand, reserved) {found.says} in version {found.version}, which was {really}"
                self._report.add(Kind.PROJECTION_DIFFERS, f"stock of {product_id}", detail, _REBUILD, **whose)

    def _is_committed(self, record: LogRecord) -> bool:
        return record.offset < self._committed.get((record.topic, record.partition), 0)

    def _says(self, kind: Kind, order_id: str, detail: str, mend: str) -> None:
        self._report.add(kind, f"order {order_id}", detail, mend, orders=(order_id,))

    def _unreadable(self, record: LogRecord, error: Undecodable) -> None:
        where = f"{record.topic}-{record.partition}@{record.offset}"
        self._report.add(Kind.UNREADABLE, where, str(error), "Find out who writes to this topic")
