"""What was told of stock: the last fact of each product must be there, and every one be true."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app import topics
from app.adapters.kafka_log import LogRecord
from app.audit import books
from app.audit.facts import Shown
from app.audit.report import Kind
from tests.unit.audit.history import History

TEA = ("tea",)
MISSING = (Kind.FACT_MISSING, (), TEA)


@pytest.fixture(params=[False, True], ids=["whole", "cut"])
def shop(request: pytest.FixtureRequest) -> History:
    """Two products that were sold, once with all of their log, once with what retention has left of it."""
    shop = History()
    shop.supply("tea", 10)
    shop.supply("cup", 10)
    shop.place("o1", tea=3)
    shop.place("o2", cup=1)
    if request.param:
        shop.low = {topics.INVENTORY: len(shop.records[topics.INVENTORY]) - 1, topics.ORDERS: 1}
    return shop


def keep_facts(shop: History, keep: Callable[[LogRecord], bool]) -> None:
    kept = [it for it in shop.records[topics.INVENTORY_EVENTS] if keep(it)]
    shop.records[topics.INVENTORY_EVENTS] = [it._replace(offset=offset) for offset, it in enumerate(kept)]


def facts_of(shop: History, product_id: str) -> list[LogRecord]:
    return [it for it in shop.records[topics.INVENTORY_EVENTS] if it.key == product_id.encode()]


@pytest.mark.parametrize("document", [Shown(1, (10, 0)), None], ids=["an old document", "no document"])
def test_a_product_whose_facts_are_gone_is_found(shop: History, document: Shown | None) -> None:
    keep_facts(shop, lambda it: it.key != b"tea")
    del shop.documents.stock["tea"]
    if document is not None:
        shop.documents.stock["tea"] = document
    assert shop.found() == [MISSING]


def test_a_product_whose_last_fact_is_gone_is_found(shop: History) -> None:
    last = facts_of(shop, "tea")[-1]
    keep_facts(shop, lambda it: it is not last)
    assert MISSING in shop.found()


def test_the_last_fact_of_each_product_is_enough(shop: History) -> None:
    """As compaction leaves them."""
    keep_facts(shop, lambda it: it in (facts_of(shop, "tea")[-1], facts_of(shop, "cup")[-1]))
    assert shop.found() == []


def test_a_fact_that_is_on_its_way_is_not_missing(shop: History) -> None:
    """The message is decided, but not committed: the row may be safe before the fact is."""
    shop.supply("tin", 5)
    shop.records[topics.INVENTORY_EVENTS].pop()
    del shop.documents.stock["tin"]
    assert (Kind.FACT_MISSING, (), ("tin",)) in shop.found()
    shop.done[topics.INVENTORY] -= 1
    assert shop.found() == []
    shop.records[books.INVENTORY.changelog].pop()
    assert shop.found() == []


def test_a_fact_before_one_that_is_on_its_way_must_be_there(shop: History) -> None:
    """A product that is sold all the time must not stay unseen for that. Where the log is cut, it is not known."""
    shop.place("o3", tea=1)
    keep_facts(shop, lambda it: it.key != b"tea")
    shop.documents.stock["tea"] = Shown(1, (10, 0))
    shop.done[topics.INVENTORY] -= 1
    assert shop.found() == ([] if topics.INVENTORY in shop.low else [MISSING])


def test_a_fact_that_a_newer_one_has_replaced_meanwhile_is_not_missing(shop: History) -> None:
    """Compaction takes the one below the end that was asked for, and the other one stands above it."""

    def sell_and_compact() -> None:
        last = facts_of(shop, "tea")[-1]
        shop.supply("tea", 10)
        shop.place("o3", tea=1)
        shop.records[topics.INVENTORY_EVENTS][last.offset] = facts_of(shop, "cup")[-1]

    keep_facts(shop, lambda it: it in (facts_of(shop, "tea")[-1], facts_of(shop, "cup")[-1]))
    shop.meanwhile[topics.INVENTORY_EVENTS] = sell_and_compact
    assert shop.found() == []
