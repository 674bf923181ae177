"""Orders as their participant keeps them: each public change names the message that made it, and its trace."""

from dataclasses import dataclass
from typing import Any

from app.delivery import Headers
from app.domain.order import Status
from app.participants.orders import decide
from schemas.codec import encode
from schemas.commands import CancelOrder, PlaceOrder
from schemas.replies import StockReserved
from schemas.rows import OrderRow

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
ANOTHER = "0af7651916cd43dd8448eb211c80319c"
PLACE = PlaceOrder("o1", user_id="u", items=(("tea", 1),), fingerprint="f")
RESERVED = StockReserved("o1", "tea", unit_price_minor=100, currency="EUR")


@dataclass(frozen=True)
class Message:
    offset: int
    value: bytes
    headers: Headers = ()
    topic: str = "orders"
    partition: int = 0
    timestamp: int = 5
    key: bytes = b"o1"


def traced(trace_id: str) -> Headers:
    return (("traceparent", f"00-{trace_id}-00f067aa0ba902b7-01".encode()),)


def decided(rows: dict[str, Any], message: Message) -> list[tuple[int, Status, str, str]]:
    """Decide, keep the row, and return its history."""
    rows.update(decide(rows, message).rows)
    row: OrderRow = rows["o1"]
    return [(it.offset, it.status, it.cause, it.trace_id) for it in row.order.history]


def test_each_change_names_its_message_and_the_trace_of_that_or_of_the_order() -> None:
    rows: dict[str, Any] = {}
    decided(rows, Message(3, encode(PLACE), traced(TRACE)))
    decided(rows, Message(4, encode(RESERVED)))
    history = decided(rows, Message(5, encode(CancelOrder("o1")), traced(ANOTHER)))
    assert history[:3] == [
        (3, Status.PENDING, "order.place.v1", TRACE),
        (4, Status.RESERVED, "stock.reserved.v1", TRACE),
        (5, Status.CANCELLING, "order.cancel.v1", ANOTHER),
    ]


def test_an_order_without_a_trace_has_none() -> None:
    assert decided({}, Message(3, encode(PLACE))) == [(3, Status.PENDING, "order.place.v1", "")]


def test_a_replay_tells_again_what_it_told_the_first_time() -> None:
    rows: dict[str, Any] = {}
    first = decide(rows, Message(3, encode(PLACE), traced(TRACE)))
    rows.update(first.rows)
    again = decide(rows, Message(3, encode(PLACE), traced(TRACE)))
    assert (again.rows, again.sends) == ((), first.sends)
