"""Stock as the log makes it: never oversold, the sum of its parts, and held by nobody who has ended."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from typing import Final

from app import topics
from app.adapters.kafka_log import LogRecord, Spans
from app.audit.orders import Orders
from app.audit.replay import Replay
from app.audit.report import Kind, Report
from app.delivery import Row
from app.domain.order import State
from app.domain.stock import LineStatus
from schemas.rows import AdjustmentRow, ReservationRow, StockRow, reservation_key

_COUNT_AGAIN: Final = "Count the product in the warehouse, and set its stock"
_LEFT: Final = frozenset({State.SHIPPED, State.NEEDS_ATTENTION, State.COMMITTING, State.LEFT})


class Holdings:
    """Watches the rows of stock while they are made."""

    def __init__(self, report: Report) -> None:
        self._partition: dict[str, int] = {}
        self._supplied: defaultdict[str, int] = defaultdict(int)
        self._report = report

    def note(self, row: Row, record: LogRecord) -> None:
        """Look at a row that the record made."""
        if isinstance(row, AdjustmentRow) and row.adjustment.ok:
            self._supplied[row.product_id] += row.adjustment.delta
        if not isinstance(row, StockRow):
            return
        self._partition[row.product_id] = record.partition
        if row.stock.available < 0 or row.stock.reserved < 0:
            where = f"{record.topic}-{record.partition}@{record.offset}"
            detail = f"at {where} {row.stock.reserved} of {row.stock.on_hand} are promised"
            name = row.product_id
            self._report.add(Kind.OVERSOLD, f"stock of {name}", detail, _COUNT_AGAIN, products=(name,))

    def judge(self, replay: Replay, orders: Orders, spans: Spans, blocked: Collection[str]) -> None:
        """Report sums that don't hold, and what is held or gone for nothing. `blocked` products may lack what left."""
        cut = {partition for partition, span in spans.items() if span.low > 0}
        if cut:
            self._report.not_judged.append(f"stock in {len(cut)} partitions whose first messages retention has cut")
        for partition, rows in replay.rows.items():
            if partition in cut:
                continue
            self._judge_sums(rows.values())
            for row in rows.values():
                if isinstance(row, ReservationRow) and row.order_id in orders.settled:
                    self._judge_reservation(row, orders, replay.committed(partition))
        for order_id in orders.settled:
            self._judge_lines(order_id, orders, replay, cut, blocked)

    def _judge_sums(self, rows: Iterable[Row]) -> None:
        on_hand = self._supplied.copy()  # a change that was made once more has one marker for both
        reserved: defaultdict[str, int] = defaultdict(int)
        counters = []
        for row in rows:
            if isinstance(row, StockRow):
                counters.append(row)
            elif isinstance(row, ReservationRow) and row.reservation.status is LineStatus.RESERVED:
                reserved[row.product_id] += row.reservation.quantity
            elif isinstance(row, ReservationRow) and row.reservation.status is LineStatus.COMMITTED:
                on_hand[row.product_id] -= row.reservation.quantity
        for row in counters:
            ours, parts = (row.stock.on_hand, row.stock.reserved), (on_hand[row.product_id], reserved[row.product_id])
            if ours != parts:
                detail = f"(on hand, reserved) are {ours}, and their parts make {parts}"
                subject = f"stock of {row.product_id}"
                self._report.add(Kind.STOCK_SUM, subject, detail, _COUNT_AGAIN, products=(row.product_id,))

    def _judge_reservation(self, row: ReservationRow, orders: Orders, committed: int) -> None:
        order = orders.judged[row.order_id].order
        held = row.reservation
        if held.status is LineStatus.RESERVED and held.reserved_at < committed:
            detail = f"{held.quantity} of {row.product_id} are held for an order that is {order.state}"
            mend = f"Send ReleaseStock({row.order_id}, {row.product_id}) to {topics.INVENTORY}"
            self._says(Kind.HELD_BY_ENDED, row.order_id, row.product_id, detail, mend)
        if held.status is LineStatus.COMMITTED and order.state not in _LEFT:
            detail = f"{held.quantity} of {row.product_id} have left for an order that is {order.state}"
            self._says(Kind.NOT_TAKEN, row.order_id, row.product_id, detail, f"Add {held.quantity} to its stock")

    def _judge_lines(
        self, order_id: str, orders: Orders, replay: Replay, cut: set[int], blocked: Collection[str]
    ) -> None:
        order = orders.judged[order_id].order
        if order.state is not State.SHIPPED:
            return
        for line in order.lines:
            partition = self._partition.get(line.product_id)
            unknown = partition is None and cut  # all that made the product may be among what was cut
            if unknown or partition in cut or line.product_id in blocked:
                continue
            row = None if partition is None else replay.row(partition, reservation_key(line.product_id, order_id))
            taken = row.reservation if isinstance(row, ReservationRow) else None
            if taken is None or (taken.status, taken.quantity) != (LineStatus.COMMITTED, line.quantity):
                detail = f"{line.quantity} of {line.product_id} are shipped, and the stock says {taken}"
                mend = f"Take {line.quantity} off the product's stock"
                self._says(Kind.NOT_TAKEN, order_id, line.product_id, detail, mend)

    def _says(self, kind: Kind, order_id: str, product_id: str, detail: str, mend: str) -> None:
        whose = {"orders": (order_id,), "products": (product_id,)}
        self._report.add(kind, f"order {order_id}", detail, mend, **whose)
