"""Records are made quickly, and still only as their class says."""

import orjson
import pytest

from schemas.codec import Decoder, encode, remade
from schemas.commands import BookShipment, PayOrder, SetStock
from schemas.record import Record
from tests.unit.schemas.examples import BY_NAMESPACE


def test_fields_are_given_by_position_or_by_name() -> None:
    assert PayOrder("123", method="card") == PayOrder(order_id="123", method="card") == PayOrder("123", "card")


def test_those_that_must_be_given_come_first() -> None:
    command = SetStock("789", "key-1", 5)
    assert (command.product_id, command.idempotency_key, command.price_minor) == ("789", "key-1", 5)
    assert (command.quantity, command.name) == (0, None)


@pytest.mark.parametrize(
    ("given", "named", "why"),
    [
        ((), {}, "missing 1 required positional argument: 'order_id'"),
        (("123",), {"other": 1}, "unexpected argument: other"),
        (("123", "card", "more"), {}, "takes from 2 to 3 positional arguments but 4 were given"),
        ((), {"method": "card"}, "missing 1 required positional argument: 'order_id'"),
    ],
)
def test_anything_else_is_refused(given: tuple[str, ...], named: dict[str, object], why: str) -> None:
    with pytest.raises(TypeError, match=f"PayOrder.* {why}"):
        PayOrder(*given, **named)


def test_two_records_share_nothing() -> None:
    first, second = BookShipment("1", (("789", 1),)), BookShipment("2", (("789", 2),))
    first.address = {"city": "Berlin"}
    assert (second.address, second.items) == (None, (("789", 2),))


@pytest.mark.parametrize("namespace", sorted(BY_NAMESPACE))
def test_its_fields_are_written_in_the_order_of_its_class_however_it_was_made(namespace: str) -> None:
    record = BY_NAMESPACE[namespace]
    kind, wire = type(record), encode(record)
    fields = orjson.loads(wire)
    shuffled = orjson.dumps({"__faust": fields.pop("__faust")} | dict(reversed(fields.items())))
    backwards = kind(**dict(reversed(record.__dict__.items())))
    assert [wire] * 3 == [encode(it) for it in (Decoder((kind,))(shuffled), backwards, remade(kind, record))]


def test_that_goes_for_what_faust_has_read_too() -> None:
    paid = PayOrder("123", method="card")
    assert encode(PayOrder.loads(encode(paid), serializer="json")) == encode(paid)


def test_every_record_of_ours_is_made_this_way() -> None:
    assert issubclass(PayOrder, Record)
    assert all(type(it).__init__.__module__ == "schemas.record" for it in BY_NAMESPACE.values())
