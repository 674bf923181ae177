"""Shipping: has the carrier book shipments and call them off. It is called beside the stream."""

from __future__ import annotations

import time
from typing import Any

from app import topics
from app.delivery import Effects, Participant, Retention, Rows, Tell
from app.main import app, settings
from app.participants.ends import Ended
from app.participants.leaving import LOOK_EVERY_S, shipment_leaves_at_ms
from app.participants.shipping import decide, settle
from app.participants.stalling import stalled
from app.wiring import Consignment, carrier, consign
from schemas.rows import ShipmentRow
from tables import shipments as table


class CarrierCalls:
    """The calls that shipments are waiting for; which they are stands in their rows."""

    limit = settings.carrier_calls

    def due(self, key: str, row: ShipmentRow) -> Consignment | None:
        """The operation under way."""
        pending = row.shipment.pending
        if pending is None:
            return None
        return Consignment(pending.key, pending.operation, key, pending.at, row.items, row.address or {}, row.trace)

    async def perform(self, key: str, intent: Consignment, tell: Tell) -> Ended:
        """Make the call until its outcome is known."""
        (verdict, attempts), trace = await consign(
            intent, lambda vain: tell(stalled(key, intent.operation, vain, intent.trace))
        )
        return Ended(*verdict, attempts, int(time.time() * 1000), trace)

    def settle(self, rows: Rows, key: str, answer: Ended) -> Effects:
        """What the outcome does to the shipment."""
        return settle(rows, key, answer)


participant = Participant(
    app,
    topics.SHIPPING,
    table,
    lambda rows, record: decide(rows, record, carrier().name),  # not before the worker runs: it connects
    park=topics.park,
    calls=CarrierCalls(),
    retention=Retention(shipment_leaves_at_ms, LOOK_EVERY_S),
)


@app.agent(topics.shipping, name="shipping")
async def shipping(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
