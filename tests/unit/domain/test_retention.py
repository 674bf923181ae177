"""When rows leave: a finished order after its time, what it held after the order, strays by time alone."""

from __future__ import annotations

import pytest

from app.domain import retention
from app.domain.order import Change, Line, Order, State, Status, Unanswered, Verb
from app.domain.outside import Errand, Pending
from app.domain.payment import Payment, PaymentOperation, PaymentStatus, PaymentWant
from app.domain.retention import Keeping
from app.domain.shipment import Shipment, ShipmentStatus, ShipmentWant
from app.domain.stock import LineStatus, Reservation
from app.domain.value import replace

KEEPING = Keeping(order_ms=100, leg_ms=10, stray_ms=1_000, adjustment_ms=500)
DONE = Order(State.SHIPPED, (Line("tea", 1),), applied=3, history=(Change(3, 1, Status.SHIPPED, at_ms=50),))


@pytest.mark.parametrize("state", State)
def test_only_a_finished_order_leaves(state: State) -> None:
    finished = state in (State.SHIPPED, State.REJECTED, State.CANCELLED)
    assert retention.order_leaves_at_ms(replace(DONE, state=state), KEEPING) == (150 if finished else None)


@pytest.mark.parametrize("state", [State.SHIPPED, State.REJECTED, State.CANCELLED])
def test_an_order_that_waits_for_an_answer_stays(state: State) -> None:
    waiting = replace(DONE, state=state, unanswered=(Unanswered("line:tea", Verb.RELEASE, 3),))
    assert retention.order_leaves_at_ms(waiting, KEEPING) is None


def payment(status: PaymentStatus, *, pending: bool = False) -> Payment:
    under_way = Pending(PaymentOperation.REFUND, "g", "k") if pending else None
    return Errand("o", "g", status, PaymentWant.CAPTURE, under_way)


def shipment(status: ShipmentStatus) -> Shipment:
    return Errand("o", "c", status, ShipmentWant.BOOK, None)


P, H, L = PaymentStatus, ShipmentStatus, LineStatus
STRAY_PAYMENTS = {P.DECLINED, P.VOIDED, P.REFUNDED, P.CLOSED}
STRAY_SHIPMENTS = {H.REFUSED, H.CALLED_OFF}


@pytest.mark.parametrize("status", P)
def test_a_payment_leaves_after_its_order_and_by_itself_only_where_it_holds_nothing(status: PaymentStatus) -> None:
    told = retention.payment_leaves_at_ms(payment(status), 50, 200, KEEPING)
    untold = retention.payment_leaves_at_ms(payment(status), 50, 0, KEEPING)
    assert told == (210 if status in {*STRAY_PAYMENTS, P.CAPTURED} else None)
    assert untold == (1_050 if status in STRAY_PAYMENTS else None)
    assert retention.payment_is_over(payment(status)) == (told is not None)


@pytest.mark.parametrize("status", P)
@pytest.mark.parametrize("finished_at_ms", [0, 200])
def test_a_payment_whose_call_is_under_way_stays(status: PaymentStatus, finished_at_ms: int) -> None:
    assert retention.payment_leaves_at_ms(payment(status, pending=True), 50, finished_at_ms, KEEPING) is None


@pytest.mark.parametrize("status", H)
def test_a_shipment_leaves_as_a_payment_does(status: ShipmentStatus) -> None:
    told = retention.shipment_leaves_at_ms(shipment(status), 50, 200, KEEPING)
    untold = retention.shipment_leaves_at_ms(shipment(status), 50, 0, KEEPING)
    assert told == (210 if status in {*STRAY_SHIPMENTS, H.BOOKED} else None)
    assert untold == (1_050 if status in STRAY_SHIPMENTS else None)


@pytest.mark.parametrize("status", L)
def test_a_reservation_leaves_as_a_payment_does(status: LineStatus) -> None:
    told = retention.reservation_leaves_at_ms(Reservation(1, status), 50, 200, KEEPING)
    untold = retention.reservation_leaves_at_ms(Reservation(1, status), 50, 0, KEEPING)
    assert told == (210 if status in {L.RELEASED, L.COMMITTED} else None)
    assert untold == (1_050 if status is L.RELEASED else None)
