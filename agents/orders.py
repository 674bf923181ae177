"""Orders: carries each through stock, payment and shipping, and back where it must."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Final

from app import topics
from app.delivery import Participant, Retention
from app.domain.deadlines import Waits
from app.main import app, settings
from app.metrics import numbers
from app.participants.farewell import farewell
from app.participants.leaving import LOOK_EVERY_S, order_leaves_at_ms
from app.participants.order_clock import OrderClock
from app.participants.orders import decide
from app.wiring import STORE_AWAY, read_model, trace_headers
from schemas.rows import OrderRow
from tables import orders as table

log: Final = logging.getLogger(__name__)

clock = OrderClock(
    Waits(
        payment_ms=int(settings.payment_wait_s * 1000),
        shipment_ms=int(settings.shipment_wait_s * 1000),
        answer_ms=int(settings.answer_wait_s * 1000),
        remind_first_ms=int(settings.remind_first_s * 1000),
        remind_longest_ms=int(settings.remind_longest_s * 1000),
    ),
    trace=trace_headers,
)


async def in_mongodb(rows: Mapping[str, OrderRow]) -> Mapping[str, OrderRow]:
    """Those of the orders that can be read in MongoDB as they are here: nobody will miss them."""
    try:
        there = await read_model().order_versions(rows)
    except STORE_AWAY as error:
        log.warning("finished orders stay in memory: %s", error)
        return {}
    return {order_id: row for order_id, row in rows.items() if there.get(order_id, 0) >= row.order.version}


retention = Retention(order_leaves_at_ms, LOOK_EVERY_S, farewell=farewell, kept=in_mongodb)
participant = Participant(app, topics.ORDERS, table, decide, park=topics.park, clock=clock, retention=retention)
table.observers.append(numbers.orders)


@app.agent(topics.orders, name="orders")
async def orders(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
