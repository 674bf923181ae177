"""Facts that are not true: what was told of an order or a product is a row that the log makes, and no other.

Where the last one is not true, the true one is missing, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app import topics
from app.audit import books
from app.audit.report import Kind
from app.domain.stock import Stock
from app.domain.value import replace
from app.participants import inventory, orders
from schemas.codec import encode, remade
from schemas.facts import OrderCancelled, OrderFact, StockChanged
from tests.unit.audit.history import History

O1, TEA = (("o1",), ()), ((), ("tea",))
FALSE, MISSING = Kind.FACT_WITHOUT_CAUSE, Kind.FACT_MISSING


@pytest.fixture
def shop() -> History:
    """One order was shipped, and one turned back after it was paid."""
    shop = History()
    shop.supply("tea", 10)
    shop.place("o1", tea=3)
    shop.place("o2", address={"country": "XX"}, tea=1)
    return shop


def tell_otherwise(shop: History, topic: str, key: bytes, change: Callable[[Any], Any], which: int = -1) -> None:
    """Put another fact in the place of one of these; the last one by default."""
    read: Any = topics.read_order_fact if topic == topics.ORDER_EVENTS else topics.read_stock_fact
    found = [it for it in shop.records[topic] if it.key == key][which]
    shop.records[topic][found.offset] = found._replace(value=encode(change(read(found.value))))


def priced(fact: OrderFact) -> OrderFact:
    [line] = fact.order.lines
    lines = (replace(line, quantity=9, unit_price_minor=1),)
    return remade(type(fact), fact, order=replace(fact.order, lines=lines))


ORDER_OTHERWISE: dict[str, Callable[[OrderFact], OrderFact]] = {
    "quantity and price": priced,
    "user": lambda fact: remade(type(fact), fact, user_id="eve"),
    "cause": lambda fact: remade(type(fact), fact, change=replace(fact.change, cause="order.cancel.v1")),
    "kind": lambda fact: remade(OrderCancelled, fact),
    "version": lambda fact: remade(type(fact), fact, change=replace(fact.change, version=99)),
}


@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the last"])
@pytest.mark.parametrize("what", ORDER_OTHERWISE)
def test_a_fact_of_an_order_that_was_not_so_is_found(shop: History, what: str, which: int) -> None:
    tell_otherwise(shop, topics.ORDER_EVENTS, b"o1", ORDER_OTHERWISE[what], which)
    assert shop.found() == [(FALSE, *O1), (MISSING, *O1)]


def test_a_fact_of_an_order_from_before_its_change_is_found(shop: History) -> None:
    """It says that the order is shipped, and shows it as it was when it was placed."""
    first, *_, last = (it for it in shop.records[topics.ORDER_EVENTS] if it.key == b"o1")
    placed, shipped = topics.read_order_fact(first.value), topics.read_order_fact(last.value)
    tell_otherwise(shop, topics.ORDER_EVENTS, b"o1", lambda fact: remade(type(fact), placed, change=shipped.change))
    assert shop.found() == [(FALSE, *O1), (MISSING, *O1)]


def pieces(fact: StockChanged) -> StockChanged:
    return remade(StockChanged, fact, stock=Stock(10 * fact.stock.on_hand, fact.stock.reserved, fact.stock.applied))


STOCK_OTHERWISE: dict[str, Callable[[StockChanged], StockChanged]] = {
    "pieces": pieces,
    "price": lambda fact: remade(StockChanged, fact, price_minor=1),
    "version": lambda fact: remade(StockChanged, fact, version=99),
}


@pytest.mark.parametrize("which", [0, -1], ids=["the first", "the last"])
@pytest.mark.parametrize("what", STOCK_OTHERWISE)
def test_a_fact_of_stock_that_was_not_so_is_found(shop: History, what: str, which: int) -> None:
    tell_otherwise(shop, topics.INVENTORY_EVENTS, b"tea", STOCK_OTHERWISE[what], which)
    assert shop.found() == [(FALSE, *TEA), *([(MISSING, *TEA)] if which == -1 else [])]


def test_a_fact_of_a_product_that_never_was_is_found(shop: History) -> None:
    fact = topics.read_stock_fact(shop.records[topics.INVENTORY_EVENTS][-1].value)
    shop.append(topics.INVENTORY_EVENTS, b"tin", encode(remade(StockChanged, fact, product_id="tin")))
    assert shop.found() == [(FALSE, (), ("tin",))]


def test_where_the_log_is_cut_the_last_fact_of_stock_is_what_the_table_says(shop: History) -> None:
    shop.low = {topics.INVENTORY: 1}
    assert shop.found() == []
    tell_otherwise(shop, topics.INVENTORY_EVENTS, b"tea", pieces, 0)
    assert shop.found() == [], "nobody knows any more what was before"
    tell_otherwise(shop, topics.INVENTORY_EVENTS, b"tea", pieces)
    assert shop.found() == [(FALSE, *TEA), (MISSING, *TEA)]


def test_what_is_told_again_after_a_crash_is_true(shop: History) -> None:
    """Each change with the order as it is by then, whatever it was when the change was made."""
    told = len(shop.records[topics.ORDER_EVENTS])
    for record in list(shop.records[topics.ORDERS]):
        shop._keep(books.ORDERS, orders.decide(shop.rows[books.ORDERS.name], record))
    shop._keep(books.INVENTORY, inventory.decide(shop.rows[books.INVENTORY.name], shop.records[topics.INVENTORY][-1]))
    shop.run()
    assert len(shop.records[topics.ORDER_EVENTS]) == 2 * told
    report = shop.audit()
    assert (report.differences, report.in_flight) == ([], [])


def test_facts_of_what_is_not_committed_are_true(shop: History) -> None:
    """Their messages are in the log, whether they are committed or not."""
    shop.done.clear()
    assert shop.found() == []
