"""What is not a whole, valid record is `Undecodable` with a reason, whatever the bytes are; never another exception."""

from __future__ import annotations

import json
import re

import orjson
import pytest
from faust import Record
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app import topics
from schemas import commands, facts, replies
from schemas.codec import Decoder, Undecodable, encode
from tests.unit.schemas.examples import BY_NAMESPACE, EXAMPLES

read_any = Decoder([type(record) for record in EXAMPLES])
FUZZ = settings(max_examples=500, deadline=None, database=None)


def cancel(**fields: object) -> bytes:
    return orjson.dumps({"__faust": {"ns": "order.cancel.v1"}, "order_id": "123", **fields})


BAD: dict[str, tuple[bytes | None, str]] = {
    "no value": (None, "no value"),
    "nothing": (b"", "truncated"),
    "garbage": (b"\xff\x00\x13", "malformed"),
    "not UTF-8": (cancel(reason="x").replace(b"x", b"\xed\xa0\x80"), "utf-8"),
    "half a surrogate": (cancel(reason="x").replace(b'"x"', rb'"\ud800"'), "surrogate|truncated"),
    "cut": (cancel(reason="x")[:-3], "truncated"),
    "two of them": (cancel() + cancel(), "trailing"),
    "no object": (b"[1, 2]", "Expected `object`"),
    "JSON of another program": (b'{"hello": "world"}', "missing required field `__faust`"),
    "no namespace": (b'{"__faust": {}, "order_id": "123"}', "missing required field `ns`"),
    "an unknown kind": (cancel().replace(b"cancel", b"praise"), "'order.praise.v1' does not belong here"),
    "a later version": (cancel().replace(b".v1", b".v2"), "'order.cancel.v2' does not belong here"),
    "a missing field": (cancel().replace(b"order_id", b"orderId"), "missing required field `order_id`"),
    "a wrong type": (cancel(reason=17), r"Expected `str \| null`, got `int` - at `\$.reason`"),
    "a number for an id": (cancel(order_id=123), r"\$.order_id"),
    "too long": (cancel(reason="x" * 201), r"<= 200 - at `\$.reason`"),
    "an id with a space": (cancel(order_id="1 2"), r"\$.order_id"),
    "an id with a line break": (cancel(order_id="123\n"), r"\$.order_id"),
    "an empty id": (cancel(order_id=""), r"\$.order_id"),
    "a key of 65": (cancel(order_id="x" * 65), r"\$.order_id"),
    "deep nesting": (cancel(more=1).replace(b'"more":1', b'"more":' + b"[" * 100_000), "recursion|truncated"),
    "deeper still": (b"[" * 1_000_000, "Expected `object`"),
    "no number": (cancel().replace(b'"123"', b"NaN"), "malformed"),
}


@pytest.mark.parametrize(("value", "why"), BAD.values(), ids=BAD)
def test_bad_bytes_are_undecodable_and_say_why(value: bytes | None, why: str) -> None:
    with pytest.raises(Undecodable) as caught:
        read_any(value)
    assert re.search(why, str(caught.value)), str(caught.value)


OUT_OF_BOUNDS: dict[str, tuple[str, dict[str, object]]] = {
    "no pieces": ("stock.reserve.v1", {"quantity": 0}),
    "too many pieces": ("stock.reserve.v1", {"quantity": 10_001}),
    "half a piece": ("stock.reserve.v1", {"quantity": 1.5}),
    "a truth for a number": ("stock.reserve.v1", {"quantity": True}),
    "less than nothing on hand": ("stock.set.v1", {"quantity": -1}),
    "a price below nothing": ("stock.set.v1", {"price_minor": -1}),
    "a currency in small letters": ("stock.set.v1", {"currency": "usd"}),
    "a currency with a line break": ("stock.set.v1", {"currency": "USD\n"}),
    "no lines": ("order.place.v1", {"items": []}),
    "too many lines": ("order.place.v1", {"items": [[f"p{n}", 1] for n in range(101)]}),
    "a line of one part": ("order.place.v1", {"items": [["789"]]}),
    "a line of no pieces": ("order.place.v1", {"items": [["789", 0]]}),
    "an unknown mode": ("order.place.v1", {"payment_mode": "later"}),
    "metadata that is not flat": ("order.place.v1", {"metadata": {"a": {"b": "c"}}}),
    "an unknown shortage": ("stock.rejected.v1", {"shortage": "BAD_MOOD"}),
    "a price that can't be written again": ("stock.reserved.v1", {"unit_price_minor": 10**30}),
    "a price that would be paid out": ("stock.reserved.v1", {"unit_price_minor": -5}),
    "a reserved currency of one letter": ("stock.reserved.v1", {"currency": "X"}),
    "a reference too large for a row": ("payment.authorized.v1", {"reference": "x" * 1_001}),
    "attempts without end": ("payment.authorized.v1", {"attempts": 2**63}),
    "money below nothing": ("payment.authorize.v1", {"amount_minor": -1}),
    "a version without end": ("order.deadline-reached.v1", {"version": 10**25}),
}


@pytest.mark.parametrize(("namespace", "change"), OUT_OF_BOUNDS.values(), ids=OUT_OF_BOUNDS)
def test_a_field_out_of_its_bounds_is_named(namespace: str, change: dict[str, object]) -> None:
    wire = json.dumps(json.loads(encode(BY_NAMESPACE[namespace])) | change).encode()
    with pytest.raises(Undecodable, match=rf"at `\$\.{next(iter(change))}"):
        read_any(wire)


def test_an_unknown_field_is_left_out_so_that_a_newer_worker_may_add_one() -> None:
    assert read_any(cancel(later="x")) == commands.CancelOrder(order_id="123")


def test_a_field_that_was_added_later_has_its_default() -> None:
    fields = {"order_id": "1", "user_id": "2", "items": [["789", 1]], "fingerprint": "f"}
    short = orjson.dumps({"__faust": {"ns": "order.place.v1"}, **fields})
    assert read_any(short) == commands.PlaceOrder(order_id="1", user_id="2", items=(("789", 1),), fingerprint="f")


@pytest.mark.parametrize("record", EXAMPLES, ids=BY_NAMESPACE)
def test_each_topic_reads_its_own_records_and_no_others(record: Record) -> None:
    homes = {
        topics.read_order_message: commands.OrderMessage,
        topics.read_stock_command: commands.StockCommand | commands.SupplyCommand,
        topics.read_payment_command: commands.AuthorizePayment
        | commands.CapturePayment
        | commands.ReversePayment
        | commands.ForgetPayment,
        topics.read_shipment_command: commands.BookShipment | commands.CallOffShipment | commands.ForgetShipment,
        topics.read_order_fact: facts.OrderFact,
        topics.read_stock_fact: facts.StockChanged,
    }
    for read, kinds in homes.items():
        if isinstance(record, kinds):
            assert read(encode(record)) == record
        else:
            with pytest.raises(Undecodable, match="does not belong here"):
                read(encode(record))


def decoded_or_undecodable(value: bytes) -> None:
    """What can be read can be written again: a row is made of it."""
    try:
        record = read_any(value)
    except Undecodable:
        return
    encode(record)


@FUZZ
@given(st.binary(max_size=300))
@example(b'"')
@example(b"null")
def test_random_bytes(value: bytes) -> None:
    decoded_or_undecodable(value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
flat = [
    record
    for record in EXAMPLES
    if isinstance(record, commands.OrderMessage | commands.StockCommand | commands.SupplyCommand)
    or type(record).__module__ in (commands.__name__, replies.__name__)
]


@FUZZ
@given(st.sampled_from(flat), st.data())
def test_records_with_any_value_in_any_field(record: commands.OrderMessage, data: st.DataObject) -> None:
    wire = json.loads(encode(record))
    field = data.draw(st.sampled_from(sorted(wire)))
    wire[field] = data.draw(json_values)
    decoded_or_undecodable(json.dumps(wire).encode("utf-8", "surrogatepass"))


@FUZZ
@given(st.sampled_from(EXAMPLES), st.data())
def test_records_with_bytes_that_were_hit(record: commands.OrderMessage, data: st.DataObject) -> None:
    wire = bytearray(encode(record))
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    decoded_or_undecodable(bytes(wire))
