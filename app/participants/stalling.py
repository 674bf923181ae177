"""What an order is told when the world outside gives no definite answer, however often it is asked.

The call itself goes on, with the same key at the same place: its outcome is not known, and what it may have done can
only be undone once it is. It is the order that decides what to do meanwhile.
"""

from __future__ import annotations

from app import topics
from app.delivery import Send
from app.domain import legs
from app.domain.payment import PaymentOperation
from app.domain.shipment import ShipmentOperation
from app.tracing.context import headers_of
from schemas.codec import encode
from schemas.replies import CallStalled


def stalled(order_id: str, operation: PaymentOperation | ShipmentOperation, attempts: int, trace: str = "") -> Send:
    """Tell the order, in its `trace`, that so many attempts at this operation have brought no definite answer."""
    leg, verb = legs.SERVES[operation]
    told = CallStalled(order_id, leg, verb, attempts)
    return Send(topics.ORDERS, order_id.encode(), encode(told), headers_of(trace))
