"""One record of every kind, each with all of its fields set: what the golden files hold."""

from __future__ import annotations

from typing import Any, Final

from faust import Record

from app.domain.order import Change, Line, Order, PaymentView, Reason, ShipmentView, State, Status, Unanswered, Verb
from app.domain.outside import Errand, Pending
from app.domain.payment import PaymentOperation, PaymentStatus, PaymentWant
from app.domain.shipment import ShipmentOperation, ShipmentStatus, ShipmentWant
from app.domain.stock import Adjustment, LineStatus, Reservation, Stock
from schemas import commands, dead_letters, facts, idempotency, replies, rows
from schemas.codec import namespace_of
from schemas.values import Mode

TRACE_ID: Final = "4bf92f3577b34da6a3ce929d0e0e4736"

ADDRESS: Final = {"name": "Ada Lovelace", "city": "London"}
METADATA: Final = {"channel": "web", "note": "naïve ☕"}
ITEMS: Final = (("789", 2), ("cup.blue_1-a", 1))
OUTSIDE: Final[dict[str, Any]] = {"reference": "ref-1", "attempts": 2, "reason": "said so"}
TOLD: Final = idempotency.KeptAnswer(201, {"Location": "/v1/orders/123"}, '{"orderId":"123","note":"naïve ☕"}')
ORDER: Final = Order(
    State.UNDOING,
    (
        Line("789", 2, LineStatus.RESERVED, 1_999, "USD"),
        Line("cup.blue_1-a", 1, LineStatus.REJECTED),
    ),
    applied=7,
    fingerprint="5f2c",
    manual_payment=True,
    manual_shipping=True,
    payment=PaymentView(PaymentStatus.AUTHORIZED, "simulated", "ref-1", 2, "said so"),
    shipment=ShipmentView(ShipmentStatus.CALLED_OFF, "simulated", "track-1", "said so"),
    outcome=State.CANCELLED,
    reason="no longer needed",
    unanswered=(Unanswered("payment", Verb.REVERSE, 7), Unanswered("line:789", Verb.RELEASE, 7)),
    history=(
        Change(3, 1, Status.PENDING, 1_700_000_000_000, "order.place.v1", TRACE_ID),
        Change(7, 2, Status.CANCELLING, 1_700_000_000_250, "order.cancel.v1", TRACE_ID),
    ),
)
_ORDER_ROW: Final[dict[str, Any]] = {
    "order_id": "123",
    "user_id": "456",
    "order": ORDER,
    "method": "card",
    "address": ADDRESS,
    "carrier": "simulated",
    "metadata": METADATA,
}
_STOCK_ROW: Final[dict[str, Any]] = {
    "product_id": "789",
    "name": "Tea",
    "price_minor": 1_999,
    "currency": "USD",
    "stock": Stock(on_hand=10, reserved=3, applied=41),
    "version": 5,
    "updated_at_ms": 1_700_000_000_000,
}
_LINE: Final[dict[str, Any]] = {"order_id": "123", "product_id": "789"}
_SUPPLY: Final[dict[str, Any]] = {
    "product_id": "789",
    "idempotency_key": "delivery 17",
    "price_minor": 1_999,
    "currency": "USD",
    "name": "Tea",
}

EXAMPLES: Final[tuple[Record, ...]] = (
    commands.PlaceOrder(
        order_id="123",
        user_id="456",
        items=ITEMS,
        fingerprint="5f2c",
        payment_mode=Mode.MANUAL,
        method="card",
        shipping_mode=Mode.MANUAL,
        address=ADDRESS,
        metadata=METADATA,
    ),
    commands.PayOrder(order_id="123", method="card"),
    commands.ShipOrder(order_id="123", address=ADDRESS, carrier="simulated"),
    commands.CancelOrder(order_id="123", reason="no longer needed"),
    commands.ReachDeadline(order_id="123", version=3, due_at_ms=1_700_000_000_000),
    commands.ReserveStock(**_LINE, quantity=2),
    commands.ReleaseStock(**_LINE),
    commands.CommitStock(**_LINE),
    commands.ForgetReservation(**_LINE),
    commands.SetStock(**_SUPPLY, quantity=10),
    commands.AdjustStock(**_SUPPLY, quantity=-2),
    commands.AuthorizePayment(order_id="123", amount_minor=3_998, currency="USD", method="card"),
    commands.CapturePayment(order_id="123"),
    commands.ReversePayment(order_id="123"),
    commands.ForgetPayment(order_id="123"),
    commands.BookShipment(order_id="123", items=ITEMS, address=ADDRESS, carrier="simulated"),
    commands.CallOffShipment(order_id="123"),
    commands.ForgetShipment(order_id="123"),
    *(
        kind(**_LINE, unit_price_minor=1_999, currency="USD", shortage=Reason.OUT_OF_STOCK)
        for kind in replies.STOCK_REPLIES.values()
    ),
    *(kind(order_id="123", gateway="simulated", **OUTSIDE) for kind in replies.PAYMENT_REPLIES.values()),
    *(
        kind(order_id="123", carrier="simulated", tracking_number="track-1", reason="said so")
        for kind in replies.SHIPMENT_REPLIES.values()
    ),
    replies.CallStalled(order_id="123", leg="payment", verb=Verb.AUTHORIZE, attempts=100),
    *(kind(**_ORDER_ROW, change=ORDER.history[-1]) for kind in facts.ORDER_FACTS.values()),
    facts.StockChanged(**_STOCK_ROW),
    rows.OrderRow(**_ORDER_ROW),
    rows.StockRow(**_STOCK_ROW),
    rows.ReservationRow(
        **_LINE,
        unit_price_minor=1_999,
        currency="USD",
        reservation=Reservation(2, LineStatus.COMMITTED, reserved_at=40, settled_at=41),
        changed_at_ms=1_700_000_000_000,
        finished_at=43,
    ),
    rows.AdjustmentRow(
        product_id="789",
        idempotency_key="delivery 17",
        adjustment=Adjustment(delta=-2, ok=True, offset=39),
        changed_at_ms=1_700_000_000_000,
    ),
    rows.PaymentRow(
        payment=Errand(
            "123",
            "simulated",
            PaymentStatus.AUTHORIZED,
            PaymentWant.CAPTURE,
            Pending(PaymentOperation.CAPTURE, "simulated", "123:capture:1"),
            version=3,
        ),
        amount_minor=3_998,
        currency="USD",
        updated_at_ms=1_700_000_000_000,
        method="card",
        **OUTSIDE,
        opened_at=38,
        trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        finished_at_ms=1_700_000_000_500,
    ),
    rows.ShipmentRow(
        shipment=Errand(
            "123",
            "simulated",
            ShipmentStatus.BOOKED,
            ShipmentWant.CALL_OFF,
            Pending(ShipmentOperation.CALL_OFF, "simulated", "123:call_off:1"),
            version=3,
        ),
        items=ITEMS,
        updated_at_ms=1_700_000_000_000,
        address=ADDRESS,
        tracking_number="track-1",
        reason="said so",
        opened_at=38,
        trace="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        finished_at_ms=1_700_000_000_500,
    ),
    idempotency.ClaimKey(key="00ff", fingerprint="5f2c"),
    idempotency.KeepAnswer(key="00ff", fingerprint="5f2c", answer=TOLD),
    idempotency.ForgetAnswer(key="00ff", offset=41),
    idempotency.AnswerRow(key="00ff", fingerprint="5f2c", offset=41, updated_at_ms=1_700_000_000_000, answer=TOLD),
    dead_letters.DeadLetter(
        topic="orders",
        partition=3,
        offset=17,
        key=dead_letters.base64_of(b"123"),
        value=dead_letters.base64_of(b"\xff not JSON"),
        headers=(("traceparent", "MDA="),),
        error="KeyError: 'price'",
        attempt=3,
        kind=dead_letters.Kind.FAILED,
        replays=1,
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
    ),
    dead_letters.DeadLetterHandled(
        topic="orders",
        partition=3,
        offset=17,
        action=dead_letters.Action.REPLAY,
        by="ada",
        reason="the price was missing",
        replays=2,
        value=dead_letters.base64_of(b"{}"),
    ),
)
BY_NAMESPACE: Final = {namespace_of(type(record)): record for record in EXAMPLES}
