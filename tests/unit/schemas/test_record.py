"""Records are made quickly, and still only as their class says."""

import pytest

from schemas.commands import BookShipment, PayOrder, SetStock
from schemas.record import Record


def test_fields_are_given_by_position_or_by_name() -> None:
    assert PayOrder("123", method="card") == PayOrder(order_id="123", method="card") == PayOrder("123", "card")


def test_those_that_must_be_given_come_first() -> None:
    command = SetStock("789", "key-1", 5)
    assert (command.product_id, command.idempotency_key, command.price_minor) == ("789", "key-1", 5)
    assert (command.quantity, command.name) == (0, None)


@pytest.mark.parametrize(
    ("given", "named"),
    [((), {}), (("123",), {"other": 1}), (("123", "card", "more"), {}), ((), {"method": "card"})],
)
def test_anything_else_is_refused(given: tuple[str, ...], named: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="PayOrder has the fields order_id, method"):
        PayOrder(*given, **named)


def test_two_records_share_nothing() -> None:
    first, second = BookShipment("1", (("789", 1),)), BookShipment("2", (("789", 2),))
    first.address = {"city": "Berlin"}
    assert (second.address, second.items) == (None, (("789", 2),))


def test_every_record_of_ours_is_made_this_way() -> None:
    assert issubclass(PayOrder, Record)
    assert PayOrder.__init__.__qualname__.startswith("Record.")
