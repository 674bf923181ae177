"""Of each key the newest fact is kept, wherever it stands, and what is no fact hides none."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import bson
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app import topics
from app.adapters.kafka_log import LogRecord
from app.participants import orders
from app.projection.documents import ORDER_PART, STOCK_PART, Part, documents
from schemas.codec import encode
from schemas.http import OrderRequest
from tests.unit.audit.history import History
from views.bodies import decode_body
from views.placing import place_message
from views.problems import Problem


def told(topic: str) -> list[LogRecord]:
    """The facts of two orders of one product, of which one is turned back."""
    shop = History()
    shop.supply("tea", 3)
    shop.place("o1", tea=1)
    shop.place("o2", tea=5)
    return shop.records[topic]


def seen(part: Part, records: list[LogRecord]) -> dict[str, Any]:
    return {it["_id"]: (it["version"], it.get("status")) for it in documents(part, records)}


def test_an_order_is_kept_as_its_newest_fact_tells_it() -> None:
    assert seen(ORDER_PART, told(topics.ORDER_EVENTS)) == {"o1": (4, "SHIPPED"), "o2": (2, "REJECTED")}


def test_a_fact_that_comes_late_hides_no_newer_one() -> None:
    facts = [it for it in told(topics.ORDER_EVENTS) if it.key == b"o1"]
    assert len(facts) == 4
    for order in permutations(facts):
        assert seen(ORDER_PART, list(order)) == {"o1": (4, "SHIPPED")}
    stock = told(topics.INVENTORY_EVENTS)
    assert seen(STOCK_PART, [*stock, stock[0]]) == seen(STOCK_PART, stock[-1:])


@pytest.mark.parametrize("value", [None, b"", b"\xff rubbish", b'{"order":{"history":[]}}', b'{"version":99}'])
@pytest.mark.parametrize("part", [ORDER_PART, STOCK_PART])
def test_what_is_no_fact_is_left_out_and_hides_none(part: Part, value: bytes | None) -> None:
    facts = told(part.topic)
    rubbish = [it._replace(value=value) for it in facts[-1:]]
    assert seen(part, [*facts, *rubbish]) == seen(part, facts)
    assert list(documents(part, rubbish)) == []


def test_a_document_has_all_that_is_asked_of_it() -> None:
    (document,) = [it for it in documents(ORDER_PART, told(topics.ORDER_EVENTS)) if it["_id"] == "o1"]
    assert (document["orderId"], document["fingerprint"], document["total"]) == ("o1", "o1", 100)
    assert (document["payment"]["status"], document["shipment"]["status"]) == ("CAPTURED", "BOOKED")
    assert [it["status"] for it in document["events"]["items"]] == ["PENDING", "RESERVED", "PAID", "SHIPPED"]


NAMES = st.dictionaries(st.text(alphabet=st.sampled_from("$\0.ré\n💥_id")) | st.just("$ref") | st.text(), st.text())


@given(metadata=NAMES, address=NAMES)
@example({"campaign": "a\0b", "é.$": ""}, {"street": "Main\nStreet"})
def test_what_is_taken_in_comes_out_of_mongodb_as_it_was(metadata: dict[str, str], address: dict[str, str]) -> None:
    body = {
        **{"orderId": "o1", "userId": "ada", "items": [{"productId": "tea", "quantity": 1}]},
        **{"metadata": metadata, "shipping": {"address": address}},
    }
    try:
        order = decode_body(msgspec.json.encode(body), OrderRequest)
    except Problem:
        return  # it can't be kept, and is not taken in
    placed = LogRecord(topics.ORDERS, 0, 7, 1_700_000_000_000, b"o1", encode(place_message(order, "o1")))
    told = [it for it in orders.decide({}, placed).sends if it.topic == topics.ORDER_EVENTS]
    facts = [placed._replace(topic=it.topic, value=it.value) for it in told]
    (document,) = documents(ORDER_PART, facts)
    there = bson.decode(bson.encode(document))
    assert (there["metadata"], there["address"]) == (metadata, address or None)
