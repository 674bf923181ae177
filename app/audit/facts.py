"""What was told of orders, and what MongoDB shows of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, TypeVar

from faust import Record

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.orders import Orders
from app.audit.report import Kind, Report
from schemas.codec import Decoder, Undecodable, remade
from schemas.facts import OrderFact
from schemas.rows import OrderRow

R = TypeVar("R", bound=Record)

REBUILD: Final = "Rebuild the projection: faust -A app.main projection rebuild"
FALSE: Final = "Tell whoever reads the facts; once the true one is sent, rebuild the projection"


class Shown(NamedTuple):
    """What a document of MongoDB says: its version, and its status or its (on hand, reserved)."""

    version: int
    says: object


class OrderFacts:
    """The facts of orders, as they stand in the log."""

    def __init__(self, orders: Orders, committed: Committed, report: Report) -> None:
        self._orders = orders
        self._committed = committed
        self._report = report
        self._told: dict[str, set[int]] = {}
        self._due: dict[str, int] = {}  # order -> the highest version that the projection has committed

    def take(self, records: Iterable[LogRecord]) -> None:
        """Look at facts of orders: whether each is one that the log makes. What is told falsely is not told."""
        for record, fact in facts_in(records, topics.read_order_fact, self._report):
            row = self._orders.judged.get(fact.order_id)
            if row is None:
                continue
            change = fact.change
            false = self._false(fact, row)
            if false:
                where = f"at {record.topic}-{record.partition}@{record.offset} "
                self._says(Kind.FACT_WITHOUT_CAUSE, fact.order_id, where + false, FALSE)
                continue
            self._told.setdefault(fact.order_id, set()).add(change.version)
            if record.offset < self._committed.get((record.topic, record.partition), 0):
                self._due[fact.order_id] = max(change.version, self._due.get(fact.order_id, 0))

    def judge(self, shown: Mapping[str, Shown], whole: bool) -> None:
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
                self._says(Kind.PROJECTION_BEHIND, order_id, f"version {due} is projected, MongoDB has {has}", REBUILD)
            happened = {it.version: it.status.value for it in row.order.history}
            if found is not None and happened.get(found.version) != found.says:
                really = happened.get(found.version, "nothing")
                detail = f"MongoDB says {found.says} in version {found.version}, which was {really}"
                self._says(Kind.PROJECTION_DIFFERS, order_id, detail, REBUILD)
        for order_id in shown.keys() - self._orders.judged.keys() if whole else ():
            self._says(Kind.PROJECTION_DIFFERS, order_id, "MongoDB shows an order that is not in the log", REBUILD)

    def _false(self, fact: OrderFact, row: OrderRow) -> str:
        """What is wrong with a fact of the order that the log makes so; empty when it is true.

        One that is told again shows the order as it was by then, and not as its change left it.
        """
        change = fact.change
        happened = [it for it in row.order.history if it.version == change.version]
        if happened != [change] or fact.status is not change.status:
            return f"version {change.version} was told to be {fact.status}, {change}, and is {happened or 'none'}"
        if change not in fact.order.history or not self._orders.made.has(_row_of(fact)):
            return f"version {change.version}, {change.status}, was told of an order that no message has made so"
        return ""

    def _says(self, kind: Kind, order_id: str, detail: str, mend: str) -> None:
        self._report.add(kind, f"order {order_id}", detail, mend, orders=(order_id,))


def _row_of(fact: OrderFact) -> OrderRow:
    """A fact is the order's row, and the change that it is about."""
    row = remade(OrderRow, fact)
    del row.__dict__["change"]
    return row


def facts_in(records: Iterable[LogRecord], read: Decoder[R], report: Report) -> Iterator[tuple[LogRecord, R]]:
    """The facts in these records, each with its record. What is none is reported."""
    for record in records:
        try:
            yield record, read(record.value)
        except Undecodable as error:
            where = f"{record.topic}-{record.partition}@{record.offset}"
            report.add(Kind.UNREADABLE, where, str(error), "Find out who writes to this topic")
