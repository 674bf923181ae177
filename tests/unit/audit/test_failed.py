"""The audit over histories in which a decision failed: what waits is said, what was replayed or dropped is judged."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from app import topics
from app.audit import books
from app.audit.report import Kind
from app.domain.stock import Stock
from schemas.codec import encode, remade
from schemas.commands import CancelOrder, PlaceOrder
from schemas.dead_letters import Action
from schemas.dead_letters import Kind as Why
from schemas.rows import OrderRow, StockRow
from tests.unit.audit.history import History

PLACED = PlaceOrder("o6", "ada", (("tea", 1),), "o6")
POISON = {
    topics.ORDERS: b"order.place.v1",
    topics.INVENTORY: b"stock.reserve.v1",
    topics.PAYMENTS: b"payment.authorize.v1",
    topics.SHIPPING: b"shipment.book.v1",
}


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture
def history() -> History:
    history = History()
    history.supply("tea", 10)
    history.place("o1", tea=2)
    return history


@pytest.fixture(params=POISON)
def topic(request: pytest.FixtureRequest, history: History) -> str:
    """The topic of a participant that fails on what the order `o6` asks of it; a cancel comes behind."""
    history.poison = POISON[request.param]
    history.send(topics.ORDERS, "o6", PLACED)
    history.run()
    history.cancel("o6")
    assert next(it.parked.kind for it in history.letters()) is Why.FAILED
    return str(request.param)


def work_off(history: History, action: Action = Action.REPLAY) -> None:
    """Replay the open letters, head first, until there are none; or drop them."""
    while letters := [it for it in history.letters() if it.state == "open" and it.queue]:
        history.handle(letters[0].name.topic, letters[0].name.offset, action)


def test_what_waits_behind_a_failed_message_is_said_and_not_judged(history: History, topic: str) -> None:
    report = history.audit()
    assert report.differences == []
    assert [it for it in report.not_judged if topic in it]


def test_what_was_replayed_is_judged_as_anything_else(history: History, topic: str) -> None:
    history.poison = b""
    work_off(history)
    report = history.audit()
    assert (report.differences, report.not_judged, report.in_flight) == ([], [], [])
    assert report.orders == 2
    row = history.rows[books.ORDERS.name]["o6"]
    history.append(books.ORDERS.changelog, b"o6", encode(remade(OrderRow, row, user_id="eve")))
    assert history.found() == [(Kind.ROW_DIFFERS, ("o6",), ())]


def test_a_replay_that_failed_again_still_waits(history: History, topic: str) -> None:
    (failed,) = (it for it in history.letters() if it.parked.kind is Why.FAILED)
    history.handle(topic, failed.name.offset, Action.REPLAY)
    report = history.audit()
    assert (report.differences, len(report.not_judged)) == ([], 1)
    history.poison = b""
    work_off(history)
    assert history.audit().not_judged == []
    assert history.found() == []


def test_an_order_that_was_repaired_is_as_it_was_sent_instead(history: History) -> None:
    history.poison = b'"unlucky"'
    history.send(topics.ORDERS, "o6", PlaceOrder("o6", "unlucky", (("tea", 1),), "o6"))
    history.run()
    history.cancel("o6")
    history.handle(topics.ORDERS, history.letters()[0].name.offset, Action.REPLAY, encode(PLACED))
    work_off(history)
    report = history.audit()
    assert (report.differences, report.not_judged) == ([], [])
    assert report.ended == {"SHIPPED": 1, "CANCELLED": 1}
    assert history.rows[books.ORDERS.name]["o6"].user_id == "ada"


def test_an_order_that_was_dropped_never_was(history: History) -> None:
    history.poison = POISON[topics.ORDERS]
    history.send(topics.ORDERS, "o6", PLACED)
    history.send(topics.ORDERS, "o6", CancelOrder("o6"))
    history.run()
    work_off(history, Action.DROP)
    report = history.audit()
    assert (report.differences, report.not_judged, report.orders) == ([], [], 1)


def test_stock_whose_reservation_was_dropped_is_judged(history: History) -> None:
    """The order waits for an answer that nobody will give: that is told. The stock is right as it is."""
    history.poison = POISON[topics.INVENTORY]
    history.send(topics.ORDERS, "o6", PLACED)
    history.run()
    work_off(history, Action.DROP)
    assert history.found() == [(Kind.ANSWER_LOST, ("o6",), ())]
    row = history.rows[books.INVENTORY.name]["tea"]
    more = Stock(row.stock.on_hand + 1, row.stock.reserved, row.stock.applied)
    history.append(books.INVENTORY.changelog, b"tea", encode(remade(StockRow, row, stock=more)))
    assert (Kind.ROW_DIFFERS, (), ("tea",)) in history.found()


def test_a_letter_that_is_lost_is_found(history: History) -> None:
    """What waits has no letter: nobody would ever replay it."""
    history.poison = POISON[topics.ORDERS]
    history.send(topics.ORDERS, "o6", PLACED)
    history.send(topics.ORDERS, "o6", CancelOrder("o6"))
    history.run()
    history.records[topics.DEAD_LETTERS].pop()
    assert [it[0] for it in history.found()] == [Kind.NOT_PARKED]


def test_a_decision_that_fails_only_now_is_told_and_does_not_end_the_audit(
    history: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a new bug")

    monkeypatch.setattr("app.participants.orders.decide", broken)
    report = history.audit()
    assert Kind.NOT_PARKED in {it.kind for it in report.differences}
    assert any("a new bug" in it.detail for it in report.differences)


def test_what_failed_before_the_log_begins_is_not_judged(history: History) -> None:
    history.poison = POISON[topics.ORDERS]
    history.send(topics.ORDERS, "o6", PLACED)
    history.send(topics.ORDERS, "o6", CancelOrder("o6"))
    history.run()
    history.poison = b""
    work_off(history)
    history.low = {topics.ORDERS: history.letters()[0].name.offset + 1}
    report = history.audit()
    assert report.differences == []
    assert any("failed messages retention has cut" in it for it in report.not_judged)
