"""What the system promises, looked at while it runs and when all is at rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from app import topics
from app.delivery.contract import Effects
from app.domain import saga
from app.domain.order import State
from app.domain.payment import PaymentStatus
from app.domain.shipment import ShipmentStatus
from app.domain.stock import LineStatus
from schemas.rows import AdjustmentRow, OrderRow, PaymentRow, ReservationRow, StockRow
from tests.model.simulator.broker import Broker, Entry
from tests.model.simulator.forgetting import Forgetting
from tests.model.simulator.outside import Outside
from tests.model.simulator.plan import Plan
from tests.model.simulator.roles import ROLES
from tests.model.simulator.violation import Violation
from tests.model.simulator.worker import Worker, restored

HELD: Final = (LineStatus.RESERVED, LineStatus.COMMITTED)


@dataclass
class Watch:
    """Looks at every row that is written and at every public fact."""

    told: dict[tuple[str, int], tuple[str, int]] = field(default_factory=dict)

    def effects(self, effects: Effects) -> None:
        """No product is oversold, not even for a moment, not even while a crash is healed."""
        for _, row in effects.rows:
            if isinstance(row, StockRow) and (row.stock.available < 0 or row.stock.reserved < 0):
                raise Violation(row.product_id, f"oversold: {row.stock}")

    def fact(self, entry: Entry) -> None:
        """A version of an order that was told in public stays what it was, and was made by one message."""
        fact = orjson.loads(entry.value)
        version, now = fact["change"]["version"], (fact["change"]["status"], fact["change"]["offset"])
        before = self.told.setdefault((fact["order_id"], version), now)
        if before != now:
            raise Violation(fact["order_id"], f"version {version} was {before}, and is now {now}")


def check_end(
    plan: Plan, broker: Broker, workers: list[Worker], outside: Outside, forgetting: Forgetting
) -> Counter[State]:
    """When all is at rest; returns how the orders ended. Raises `Violation`."""
    live = {topic: _rows(workers, topic) for topic in ROLES}
    forgetting.check_end(live)
    graves = {topic: {key: row for (it, key), row in forgetting.graves.items() if it == topic} for topic in ROLES}
    rows = {topic: live[topic] | graves[topic] for topic in ROLES}
    rows[topics.ORDERS] |= live[topics.ORDERS]
    _check_progress(broker, workers)
    _check_dead_letters(broker)
    _check_told(broker, live[topics.ORDERS], live[topics.INVENTORY])
    for order_id in plan.orders:
        row = rows[topics.ORDERS].get(order_id)
        if row is None:
            raise Violation(order_id, "it was placed, and is not known")
        _check_order(row, rows[topics.INVENTORY], outside)
        _check_price(row, rows[topics.INVENTORY], rows[topics.PAYMENTS])
    for row in rows[topics.INVENTORY].values():
        if isinstance(row, StockRow):
            _check_product(row, rows[topics.INVENTORY])
    return Counter(row.order.state for row in rows[topics.ORDERS].values())


def _rows(workers: list[Worker], topic: str) -> dict[str, Any]:
    return {
        key: row
        for worker in workers
        for place, rows in worker.rows.items()
        if place[0] == topic
        for key, row in rows.items()
    }


def _check_progress(broker: Broker, workers: list[Worker]) -> None:
    for worker in workers:
        if not worker.idle():
            raise Violation(worker.name, "it is never done")
        for place, rows in worker.rows.items():
            if broker.committed[place] != len(broker.logs[place]):
                raise Violation(f"{place[0]}-{place[1]}", "not all is committed")
            kept = restored(broker, place)
            if set(kept) != set(rows):
                raise Violation(f"{place[0]}-{place[1]}", "the changelog has other rows than the worker")
            says = ROLES[place[0]].errand or (lambda row: row)  # when a call ended is not the same for two who made it
            behind = [key for key in kept if says(kept[key]) != says(rows[key])]
            if behind:
                raise Violation(behind[0].split("/")[0], "its row in the changelog is not the worker's")


def _check_dead_letters(broker: Broker) -> None:
    """What is always refused is parked. Which other messages are refused depends on when they come."""
    parked = Counter(
        (letter["topic"], letter["partition"], letter["offset"])
        for (topic, _), log in broker.logs.items()
        if topic == topics.DEAD_LETTERS
        for letter in (orjson.loads(entry.value) for entry in log)
    )
    for (topic, partition), log in broker.logs.items():
        placed: dict[bytes, bytes] = {}
        for entry in log:
            if topic == topics.ORDERS and b"order.place." in entry.value:
                placed.setdefault(entry.key, entry.value)
            if _is_refused(topic, entry, placed) and not parked[topic, partition, entry.offset]:
                refused = f"{topic}-{partition}@{entry.offset}"
                raise Violation(entry.key.decode(), f"{refused} was refused, and is not parked")


def _is_refused(topic: str, entry: Entry, placed: dict[bytes, bytes]) -> bool:
    if topic != topics.ORDERS or entry.value.startswith(b"\xff"):
        return entry.value.startswith(b"\xff")
    if b"order.place." in entry.value:
        return entry.value != placed[entry.key]
    too_early = entry.key not in placed
    return too_early and any(kind in entry.value for kind in (b"order.cancel.", b"order.pay.", b"order.deadline"))


def _check_told(broker: Broker, orders: dict[str, Any], stock: dict[str, Any]) -> None:
    """Whoever reads the facts knows each product as it is, and every public change of each order."""
    products: dict[str, dict[str, Any]] = {}
    changes: defaultdict[str, set[int]] = defaultdict(set)
    for (topic, _), log in broker.logs.items():
        for entry in log if topic in (topics.INVENTORY_EVENTS, topics.ORDER_EVENTS) else ():
            fact = orjson.loads(entry.value)
            if topic == topics.ORDER_EVENTS:
                changes[fact["order_id"]].add(fact["change"]["version"])
            elif fact["version"] >= products.get(fact["product_id"], fact)["version"]:
                products[fact["product_id"]] = fact
    for row in stock.values():
        if isinstance(row, StockRow):
            told = products.get(row.product_id)
            if told is None or (told["version"], told["stock"]["applied"]) != (row.version, row.stock.applied):
                raise Violation(row.product_id, f"it was told as {told}, and is {row}")
    for order_id, row in orders.items():
        untold = {change.version for change in row.order.history} - changes[order_id]
        if untold:
            raise Violation(order_id, f"its versions {untold} were never told")


def _check_order(row: OrderRow, stock: dict[str, Any], outside: Outside) -> None:
    order, order_id = row.order, row.order_id
    if not saga.at_rest(order):
        raise Violation(order_id, f"not at rest: {order.state}, {order.unanswered}")
    held = [it for it in stock.values() if isinstance(it, ReservationRow) and it.order_id == order_id]
    lines = {it.product_id: it.reservation.quantity for it in held if it.reservation.status in HELD}
    gone = {it.product_id: it.reservation.quantity for it in held if it.reservation.status is LineStatus.COMMITTED}
    ordered = {line.product_id: line.quantity for line in order.lines}
    taken, coming = outside.went_well(order_id, "capture"), outside.holds_shipment(order_id)
    if order.state is State.SHIPPED:
        whole = gone == ordered and taken and coming and outside.holds_money(order_id)
        refusal = "it is SHIPPED"
    elif order.state is State.NEEDS_ATTENTION and order.shipment.status is ShipmentStatus.LEFT:
        whole, refusal = gone == ordered and coming, "it has left"
    elif order.state is State.NEEDS_ATTENTION:
        whole, refusal = not lines and not coming and outside.holds_money(order_id), "its money is not given back"
    else:
        whole, refusal = not lines and not coming and not outside.holds_money(order_id), f"it is {order.state}"
    if not whole:
        raise Violation(order_id, f"{refusal}, stock held {lines}, gone {gone}, {outside.done[order_id]}")


def _check_price(row: OrderRow, stock: dict[str, Any], paid: dict[str, Any]) -> None:
    """What is asked of the gateway is what the products were promised at, whatever they cost by now."""
    payment: PaymentRow | None = paid.get(row.order_id)
    if payment is None or payment.payment.status is PaymentStatus.CLOSED:
        return
    held = [it for it in stock.values() if isinstance(it, ReservationRow) and it.order_id == row.order_id]
    promised = sum(it.unit_price_minor * it.reservation.quantity for it in held)
    if not payment.amount_minor == row.order.total_minor == promised:
        raise Violation(row.order_id, f"promised at {promised}, asked for {payment.amount_minor}")


def _check_product(row: StockRow, stock: dict[str, Any]) -> None:
    mine = [it for it in stock.values() if it.product_id == row.product_id]
    held = [it.reservation for it in mine if isinstance(it, ReservationRow)]
    supplied = sum(it.adjustment.delta for it in mine if isinstance(it, AdjustmentRow) and it.adjustment.ok)
    gone = sum(it.quantity for it in held if it.status is LineStatus.COMMITTED)
    if row.stock.reserved != 0 or row.stock.on_hand != supplied - gone:
        raise Violation(row.product_id, f"{row.stock}, supplied {supplied}, gone {gone}")
