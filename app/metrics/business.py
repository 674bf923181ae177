"""The shop in numbers: orders, stock and money, as far as this worker holds or has seen them.

`OrderNumbers`, `StockNumbers` and `MoneyNumbers` each watch the writes of one table (`app.delivery.TableWatcher`).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Final

from prometheus_client import Counter
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.delivery.waited import Waited
from app.domain import saga
from app.domain.order import Status
from app.domain.payment import PaymentStatus
from app.metrics.rows import RowCount, RowsSince
from app.metrics.shapes import buckets_of
from schemas.rows import OrderRow, PaymentRow, StockRow

REACHED_S: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600)
OPERATIONS: Final = {
    PaymentStatus.AUTHORIZED: "authorized",
    PaymentStatus.CAPTURED: "captured",
    PaymentStatus.VOIDED: "voided",
    PaymentStatus.REFUNDED: "refunded",
}

rejections: Final = Counter("orders_rejections", "Orders that were rejected.", ["reason"])
money: Final = Counter(
    "payments_amount_minor", "Money in the currency's minor unit that a gateway has moved.", ["operation", "currency"]
)

_moved: Final = cache(money.labels)


class OrderNumbers:
    """What has become of the orders of this worker's partitions."""

    def __init__(self) -> None:
        self._by_status = RowCount(lambda row: saga.STATUS[row.order.state])
        self._unanswered = RowsSince(lambda row: row.order.updated_at_ms if row.order.unanswered else None)
        self._reached = {status: Waited(REACHED_S) for status in Status}

    def begin(self, partition: int, rows: Mapping[str, OrderRow]) -> None:
        """The partition is ours from now on."""
        self._by_status.begin(partition, rows)
        self._unanswered.begin(partition, rows)

    def leave(self) -> None:
        """No partition is ours any more."""
        self._by_status.leave()
        self._unanswered.leave()

    def written(self, partition: int, key: str, before: OrderRow | None, after: OrderRow | None) -> None:
        """An order has become another, or has left."""
        self._by_status.written(partition, key, before, after)
        self._unanswered.written(partition, key, before, after)
        if after is None:
            return
        history = after.order.history
        for change in history[len(before.order.history) if before else 0 :]:
            self._reached[change.status].note((change.at_ms - history[0].at_ms) / 1000)
            if change.status is Status.REJECTED:
                rejections.labels(after.order.reason).inc()

    def collect(self) -> Iterator[Metric]:
        """The samples of now."""
        changes = CounterMetricFamily(
            "orders_changes", "Changes of orders that the public was told of.", labels=["status"]
        )
        reached = HistogramMetricFamily(
            "orders_reached_seconds", "From when an order was placed to when it got a status.", labels=["status"]
        )
        for status, times in self._reached.items():
            changes.add_metric([status.value], times.count)
            reached.add_metric([status.value], buckets_of(times), times.sum_s)
        yield changes
        yield reached
        totals = self._by_status.totals()
        current = GaugeMetricFamily("orders_current", "Orders in this worker's table.", labels=["status"])
        for status in Status:
            current.add_metric([status.value], totals[status])
        yield current
        yield GaugeMetricFamily(
            "orders_unanswered", "Orders that wait for stock, gateway or carrier.", self._unanswered.count()
        )
        oldest_ms = self._unanswered.oldest_ms()
        yield GaugeMetricFamily(
            "orders_oldest_unanswered_seconds",
            "How long the order has waited that has waited longest for an answer.",
            0.0 if oldest_ms is None else max(0.0, time.time() - oldest_ms / 1000),
        )


class StockNumbers:
    """Of how many products little is left: fewer than `low` pieces available."""

    def __init__(self, low: int) -> None:
        self._low = low
        self._count = RowCount(self._label)

    def _label(self, row: Any) -> str | None:
        if not isinstance(row, StockRow):
            return None  # a reservation, or the mark of an adjustment
        available = row.stock.available
        return "none" if available == 0 else "low" if available < self._low else "enough"

    def begin(self, partition: int, rows: Mapping[str, Any]) -> None:
        """The partition is ours from now on."""
        self._count.begin(partition, rows)

    def leave(self) -> None:
        """No partition is ours any more."""
        self._count.leave()

    def written(self, partition: int, key: str, before: Any, after: Any) -> None:
        """A row has become another, or has left."""
        self._count.written(partition, key, before, after)

    def collect(self) -> Iterator[Metric]:
        """The samples of now."""
        totals = self._count.totals()
        products = GaugeMetricFamily(
            "stock_products", "Products in this worker's table, by how many pieces are available.", labels=["available"]
        )
        for label in ("none", "low", "enough"):
            products.add_metric([label], totals[label])
        yield products


class MoneyNumbers:
    """The money that gateways have moved while this worker held the payment."""

    def begin(self, partition: int, rows: Mapping[str, PaymentRow]) -> None:
        """Nothing is counted of what was before."""

    def leave(self) -> None:
        """What was counted stays."""

    def written(self, _partition: int, _key: str, before: PaymentRow | None, after: PaymentRow | None) -> None:
        """A payment has become another, or has left."""
        if after is None or (before is not None and before.payment.status is after.payment.status):
            return
        operation = OPERATIONS.get(after.payment.status)
        if operation is not None:
            _moved(operation, after.currency).inc(after.amount_minor)
