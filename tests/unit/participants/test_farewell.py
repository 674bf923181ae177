"""What an order says before it leaves, and what its legs make of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest
from faust import Record

from app import topics
from app.delivery import Effects
from app.domain.order import Change, Line, Order, PaymentView, ShipmentView, State, Status
from app.domain.outside import Errand, Pending
from app.domain.payment import PaymentOperation, PaymentStatus, PaymentWant
from app.domain.shipment import ShipmentStatus, ShipmentWant
from app.domain.stock import LineStatus, Reservation
from app.domain.value import replace
from app.participants import inventory, payments, shipping
from app.participants.ends import Ended
from app.participants.farewell import farewell
from app.participants.leaving import KEEPING, payment_leaves_at_ms, product_of
from schemas.codec import encode, remade
from schemas.commands import BookShipment, CapturePayment, ForgetPayment, ForgetReservation, ForgetShipment
from schemas.rows import OrderRow, PaymentRow, ReservationRow, ShipmentRow, adjustment_key, reservation_key, stock_key

DONE = OrderRow(
    "o",
    "ada",
    Order(
        State.SHIPPED,
        (Line("tea", 1), Line("cup", 2)),
        applied=3,
        payment=PaymentView(PaymentStatus.CAPTURED),
        shipment=ShipmentView(ShipmentStatus.BOOKED),
        history=(Change(3, 1, Status.SHIPPED, at_ms=50),),
    ),
)
PAYMENT = PaymentRow(Errand("o", "g", PaymentStatus.CAPTURED, PaymentWant.CAPTURE, None, 4), 100, "EUR", 5)
SHIPMENT = ShipmentRow(Errand("o", "c", ShipmentStatus.BOOKED, ShipmentWant.BOOK, None, 2), (("tea", 1),), 5)
HELD = ReservationRow("o", "tea", 100, "EUR", Reservation(1, LineStatus.COMMITTED, 3, 6), 40)
HELD_KEY = reservation_key("tea", "o")


@dataclass
class Told:
    """A record at offset 70, at the time 700."""

    value: bytes
    key: bytes
    topic: str = ""
    partition: int = 0
    offset: int = 70
    timestamp: int = 700
    headers: tuple[Any, ...] = field(default=())


def tell(decide: Any, key: str, rows: dict[str, Any], message: Record, *more: str) -> dict[str, Any]:
    """The rows that the message writes; nobody is told anything."""
    effects = decide(rows, Told(encode(message), key.encode()), *more)
    assert effects.sends == ()
    return dict(effects.rows)


def test_an_order_takes_leave_of_every_leg_it_has_spoken_to() -> None:
    assert [(it.topic, it.key, it.value) for it in farewell(DONE)] == [
        (topics.INVENTORY, b"tea", encode(ForgetReservation("o", "tea"))),
        (topics.INVENTORY, b"cup", encode(ForgetReservation("o", "cup"))),
        (topics.PAYMENTS, b"o", encode(ForgetPayment("o"))),
        (topics.SHIPPING, b"o", encode(ForgetShipment("o"))),
    ]


def test_an_order_that_never_came_to_its_payment_takes_leave_of_the_stock_only() -> None:
    rejected = replace(DONE.order, state=State.REJECTED, payment=PaymentView(), shipment=ShipmentView())
    assert {it.topic for it in farewell(remade(OrderRow, DONE, order=rejected))} == {topics.INVENTORY}


def test_a_payment_notes_that_its_order_is_over_once() -> None:
    noted = tell(payments.decide, "o", {"o": PAYMENT}, ForgetPayment("o"), "g")
    assert noted["o"] == remade(PaymentRow, PAYMENT, payment=replace(PAYMENT.payment, version=5), finished_at_ms=700)
    assert tell(payments.decide, "o", noted, ForgetPayment("o"), "g") == {}


@pytest.mark.parametrize("at_ms", [699, 700])
def test_what_is_read_again_after_the_farewell_is_not_answered(at_ms: int) -> None:
    """The order may be gone by then: it would refuse the answer, and each would be a dead letter."""
    paid = remade(PaymentRow, PAYMENT, finished_at_ms=700)
    booked = remade(ShipmentRow, SHIPMENT, finished_at_ms=700)
    capture, book = encode(CapturePayment("o")), encode(BookShipment("o", (("tea", 1),)))
    assert payments.decide({"o": paid}, Told(capture, b"o", timestamp=at_ms), "g") == Effects()
    assert shipping.decide({"o": booked}, Told(book, b"o", timestamp=at_ms), "c") == Effects()


def test_what_is_asked_after_the_farewell_is_answered() -> None:
    """By an order of the same id that was taken in while MongoDB was away: it must not wait for ever."""
    paid = remade(PaymentRow, PAYMENT, finished_at_ms=700)
    assert len(payments.decide({"o": paid}, Told(encode(CapturePayment("o")), b"o", timestamp=701), "g").sends) == 1


def test_a_shipment_notes_that_its_order_is_over_once() -> None:
    noted = tell(shipping.decide, "o", {"o": SHIPMENT}, ForgetShipment("o"), "c")
    assert noted["o"].finished_at_ms == 700
    assert noted["o"].shipment.version == 3
    assert tell(shipping.decide, "o", noted, ForgetShipment("o"), "c") == {}


def test_a_reservation_notes_that_its_order_is_over_once() -> None:
    noted = tell(inventory.decide, "tea", {HELD_KEY: HELD}, ForgetReservation("o", "tea"))
    assert noted == {HELD_KEY: remade(ReservationRow, HELD, changed_at_ms=700, finished_at=70)}
    assert noted[HELD_KEY].finished_at_ms == 700
    assert tell(inventory.decide, "tea", noted, ForgetReservation("o", "tea")) == {}


def test_a_payment_whose_call_is_made_again_after_a_crash_notes_it_too_and_leaves_when_that_has_ended() -> None:
    """Its order knew the answer, and the row did not; without the note it would stay for ever."""
    pending = Pending(PaymentOperation.CAPTURE, "g", "k")
    calling = replace(PAYMENT.payment, status=PaymentStatus.AUTHORIZED, pending=pending)
    noted = tell(payments.decide, "o", {"o": remade(PaymentRow, PAYMENT, payment=calling)}, ForgetPayment("o"), "g")
    assert noted["o"].finished_at_ms == 700
    assert payment_leaves_at_ms(noted["o"], KEEPING) is None
    (settled,) = payments.settle(noted, "o", Ended(True, "ref", "", 1, 900)).rows
    assert payment_leaves_at_ms(settled[1], KEEPING) == 700 + KEEPING.leg_ms


@pytest.mark.parametrize(
    ("decide", "key", "rows", "message", "more"),
    [
        (payments.decide, "o", {}, ForgetPayment("o"), ("g",)),
        (shipping.decide, "o", {}, ForgetShipment("o"), ("c",)),
        (inventory.decide, "tea", {}, ForgetReservation("o", "tea"), ()),
        (
            inventory.decide,
            "tea",
            {HELD_KEY: remade(ReservationRow, HELD, reservation=Reservation(1, LineStatus.RESERVED, 3))},
            ForgetReservation("o", "tea"),
            (),
        ),
    ],
)
def test_what_is_not_there_or_not_over_notes_nothing(
    decide: Any, key: str, rows: dict[str, Any], message: Record, more: tuple[str, ...]
) -> None:
    assert tell(decide, key, rows, message, *more) == {}


def test_the_messages_of_every_row_of_stock_have_the_products_key() -> None:
    assert {product_of(key) for key in (stock_key("tea"), HELD_KEY, adjustment_key("tea", "a/b"))} == {"tea"}
