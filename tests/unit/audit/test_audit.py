"""The audit over small histories: clean when nothing is wrong, also half-way; each planted fault found."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app import topics
from app.audit import books
from app.audit.facts import Shown
from app.audit.ledgers import Entry
from app.audit.report import Kind
from app.domain.payment import PaymentStatus
from app.domain.stock import Stock
from schemas.codec import encode, remade
from schemas.commands import AuthorizePayment, CancelOrder, PlaceOrder
from schemas.replies import StockReleased
from schemas.rows import OrderRow, PaymentRow, StockRow
from tests.unit.audit.history import DECLINED, NOWHERE, History

O1, TEA = ("o1",), ("tea",)


@pytest.fixture
def history() -> History:
    """Orders that ended in each way; o1 was shipped, o2 declined, o3 refused, o4 rejected, o5 called back."""
    history = History()
    history.supply("tea", 10)
    history.supply("cup", 10)
    history.place("o1", tea=2, cup=1)
    history.place("o2", method=DECLINED, tea=1)
    history.place("o3", address=NOWHERE, tea=1, cup=3)
    history.place("o4", tea=1, cup=99)
    history.send(topics.ORDERS, "o5", PlaceOrder("o5", "ada", (("tea", 1),), "o5"))
    history.run(topics.ORDERS)
    history.cancel("o5")
    history.append(topics.ORDERS, b"o1", b"rubbish")
    history.run()
    return history


def test_a_sound_history_is_clean(history: History) -> None:
    report = history.audit()
    assert report.differences == []
    assert (report.orders, report.in_flight, report.not_judged) == (5, [], [])
    assert report.ended == {"SHIPPED": 1, "REJECTED": 3, "CANCELLED": 1}
    assert report.owed == report.taken == {"EUR": 300}


def test_an_order_posted_twice_is_one(history: History) -> None:
    history.place("o1", tea=2, cup=1)
    assert history.found() == []


def test_every_moment_of_an_order_under_way_is_clean(history: History) -> None:
    """Whatever is handled and whatever is not: what waits is in flight."""
    history.send(topics.ORDERS, "o6", PlaceOrder("o6", "ada", (("tea", 1), ("cup", 1)), "o6"))
    seen = 0
    for _ in range(6):
        for topic in (topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING):
            report = history.audit()
            assert report.differences == []
            seen += "o6" in report.in_flight
            history.run(topic)
    assert seen > 4
    assert history.audit().in_flight == []


def rewrite(table: books.Table, key: str, change: Callable[[Any], Any]) -> Callable[[History], None]:
    def plant(history: History) -> None:
        history.append(table.changelog, key.encode(), encode(change(history.rows[table.name][key])))

    return plant


def without(name: str, operation: str) -> Callable[[History], None]:
    def plant(history: History) -> None:
        entries = getattr(history.documents, name)
        entries[:] = [it for it in entries if (it.order_id, it.operation) != ("o1", operation)]

    return plant


def entered(entry: Entry) -> Callable[[History], None]:
    return lambda history: history.documents.payments.append(entry)


def shown(order_id: str, document: Shown | None) -> Callable[[History], None]:
    def plant(history: History) -> None:
        if document is None:
            del history.documents.orders[order_id]
        else:
            history.documents.orders[order_id] = document

    return plant


def counters(row: StockRow) -> StockRow:
    return remade(StockRow, row, stock=Stock(row.stock.on_hand + 1, row.stock.reserved, row.stock.applied))


def unpaid(row: PaymentRow) -> PaymentRow:
    told = type(row.payment)(row.payment.order_id, "g", PaymentStatus.AUTHORIZED, row.payment.want, None, 99)
    return remade(PaymentRow, row, payment=told)


def no_row(history: History) -> None:
    log = history.records[books.ORDERS.changelog]
    log[:] = [it._replace(offset=number) for number, it in enumerate(it for it in log if it.key != b"o1")]


def stale_row(history: History) -> None:
    log = history.records[books.ORDERS.changelog]
    last = max(it.offset for it in log if it.key == b"o1")
    del log[last]


def no_letter(history: History) -> None:
    history.records[topics.DEAD_LETTERS].clear()


def no_fact(history: History) -> None:
    log = history.records[topics.ORDER_EVENTS]
    del log[next(it.offset for it in log if it.key == b"o1")]


def twice_in_topic(history: History) -> None:
    letter = history.records[topics.DEAD_LETTERS][0]
    value = (letter.value or b"").replace(b'"offset":', b'"offset":1')
    history.append(topics.DEAD_LETTERS, letter.key, value)


PLANTED: dict[str, tuple[Callable[[History], None], Kind, tuple[str, ...], tuple[str, ...]]] = {
    "counters": (rewrite(books.INVENTORY, "tea", counters), Kind.ROW_DIFFERS, (), TEA),
    "an order's user": (
        rewrite(books.ORDERS, "o1", lambda row: remade(OrderRow, row, user_id="eve")),
        *(Kind.ROW_DIFFERS, O1, ()),
    ),
    "no row": (no_row, Kind.ROW_MISSING, O1, ()),
    "an old row": (stale_row, Kind.ROW_MISSING, O1, ()),
    "a payment's amount": (
        rewrite(books.PAYMENTS, "o1", lambda row: remade(PaymentRow, row, amount_minor=1)),
        *(Kind.ROW_DIFFERS, O1, ()),
    ),
    "a payment's state": (rewrite(books.PAYMENTS, "o1", unpaid), Kind.LEG_DISAGREES, O1, ()),
    "no capture": (without("payments", "capture"), Kind.LEDGER_DIFFERS, O1, ()),
    "no booking": (without("shipments", "book"), Kind.LEDGER_DIFFERS, O1, ()),
    "captured twice": (entered(Entry("o1", "capture", True, 300, "EUR")), Kind.CHARGED_TWICE, O1, ()),
    "a dead order's authorisation": (
        entered(Entry("o4", "authorize", True, 100, "EUR")),
        *(Kind.LEDGER_DIFFERS, ("o4",), ()),
    ),
    "an unknown order's charge": (
        entered(Entry("o9", "capture", True, 100, "EUR")),
        *(Kind.LEDGER_WITHOUT_CAUSE, ("o9",), ()),
    ),
    "another status": (shown("o2", Shown(1, "SHIPPED")), Kind.PROJECTION_DIFFERS, ("o2",), ()),
    "no document": (shown("o1", None), Kind.PROJECTION_BEHIND, O1, ()),
    "an unknown document": (shown("o9", Shown(1, "PENDING")), Kind.PROJECTION_DIFFERS, ("o9",), ()),
    "no letter": (no_letter, Kind.NOT_PARKED, (), ()),
    "a letter for nothing": (twice_in_topic, Kind.PARKED_WITHOUT_CAUSE, (), ()),
    "no fact": (no_fact, Kind.FACT_MISSING, O1, ()),
}


@pytest.mark.parametrize("fault", PLANTED)
def test_a_planted_fault_is_found_and_named(history: History, fault: str) -> None:
    plant, kind, orders, products = PLANTED[fault]
    plant(history)
    assert (kind, orders, products) in history.found()
    assert {it[1:] for it in history.found()} == {(orders, products)}, "nobody else is blamed"


def test_stock_in_mongodb_that_was_never_so_is_found(history: History) -> None:
    version = history.documents.stock["tea"].version
    history.documents.stock["tea"] = Shown(version, (1, 1))
    assert history.found() == [(Kind.PROJECTION_DIFFERS, (), TEA)]


def test_a_command_that_was_lost_is_found() -> None:
    history = History()
    history.supply("tea", 10)
    history.send(topics.ORDERS, "o1", PlaceOrder("o1", "ada", (("tea", 1),), "o1"))
    history.run(topics.ORDERS)
    history.records[topics.INVENTORY].pop()
    assert history.found() == [(Kind.COMMAND_LOST, O1, ())]


def test_an_answer_that_was_lost_is_found() -> None:
    history = History()
    history.supply("tea", 10)
    history.send(topics.ORDERS, "o1", PlaceOrder("o1", "ada", (("tea", 1),), "o1"))
    history.run(topics.ORDERS)
    history.run(topics.INVENTORY)
    history.records[topics.ORDERS].pop()
    report = history.audit()
    assert [it.kind for it in report.differences] == [Kind.ANSWER_LOST]
    assert "ReserveStock for o1" in report.differences[0].mend


def test_stock_that_an_ended_order_holds_is_found(history: History) -> None:
    """Its release was lost, and somebody else told the order that it was done."""
    history.send(topics.ORDERS, "o6", PlaceOrder("o6", "ada", (("tea", 1),), "o6"))
    history.run(topics.ORDERS, topics.INVENTORY)
    history.send(topics.ORDERS, "o6", CancelOrder("o6"))
    history.run(topics.ORDERS)
    history.records[topics.INVENTORY].pop()
    history.send(topics.ORDERS, "o6", StockReleased("o6", "tea"))
    history.run()
    assert history.found() == [(Kind.HELD_BY_ENDED, ("o6",), TEA)]


def test_an_authorisation_that_stays_open_for_a_dead_order_is_found(history: History) -> None:
    history.send(topics.PAYMENTS, "o4", AuthorizePayment("o4", 100, "EUR"))
    history.run()
    assert history.found() == [(Kind.LEDGER_DIFFERS, ("o4",), ())]


def test_what_retention_has_cut_is_said_and_not_judged(history: History) -> None:
    history.low = {topics.ORDERS: 4, topics.INVENTORY: 1}
    report = history.audit()
    assert report.differences == []
    assert len(report.not_judged) == 2
    assert report.orders < 5


@pytest.mark.parametrize("topic", [topics.PAYMENTS, topics.SHIPPING])
def test_what_was_asked_for_before_a_log_begins_is_not_looked_for(history: History, topic: str) -> None:
    """Each topic is cut by itself, so that of an order's commands one may go before the other."""
    history.low = {topic: len(history.records[topic])}
    assert history.audit().clean


def test_goods_of_a_product_that_was_last_supplied_before_the_log_begins_are_not_missed(history: History) -> None:
    """The order is of yesterday; what was supplied weeks ago, retention has cut."""
    history.low = {topics.INVENTORY: len(history.records[topics.INVENTORY])}
    history.place("o6", cup=1)
    assert history.found() == []
