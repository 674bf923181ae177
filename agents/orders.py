"""Orders: carries each through stock, payment and shipping, and back where it must."""

from __future__ import annotations

from typing import Any

from app import topics
from app.delivery import Participant
from app.domain.deadlines import Waits
from app.main import app, settings
from app.participants.order_clock import OrderClock
from app.participants.orders import decide
from tables import orders as table

clock = OrderClock(
    Waits(
        payment_ms=int(settings.payment_wait_s * 1000),
        shipment_ms=int(settings.shipment_wait_s * 1000),
        answer_ms=int(settings.answer_wait_s * 1000),
        remind_first_ms=int(settings.remind_first_s * 1000),
        remind_longest_ms=int(settings.remind_longest_s * 1000),
    )
)
participant = Participant(app, topics.ORDERS, table, decide, park=topics.park, clock=clock)


@app.agent(topics.orders, name="orders")
async def orders(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
