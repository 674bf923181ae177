"""A carrier that isn't one: its answers are chosen by the address and by the carrier's name.

An address whose `country` is `XX` is refused; a shipment by the carrier `swift` has left before it can be called off;
the carriers `slow`, `flaky` and `timeout` as in `app.adapters.simulation`. Anything else is booked.
"""

from __future__ import annotations

from typing import Final

from app.adapters.carrier import Consignment
from app.adapters.outcome import Verdict
from app.adapters.simulation import Simulation
from app.domain.shipment import ShipmentOperation as Op

NOWHERE: Final = "XX"
LEAVES_AT_ONCE: Final = "swift"


class SimulatedCarrier:
    """Keeps what it did in its ledger, by idempotency key."""

    name = "simulated"

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation

    async def perform(self, consignment: Consignment, attempt: int) -> Verdict:
        """Do it, once for each key. Raises `OutcomeUnknown`."""
        refusal = ""
        if consignment.operation is Op.BOOK and consignment.address.get("country") == NOWHERE:
            refusal = "nobody goes there"
        if consignment.operation is Op.CALL_OFF and consignment.carrier == LEAVES_AT_ONCE:
            refusal = "it has left"
        entry = {"order_id": consignment.order_id, "operation": consignment.operation.value}
        tracking_number = f"SIM-{consignment.order_id}"
        verdict = Verdict(not refusal, "" if refusal else tracking_number, refusal)
        return await self._simulation.answer(consignment.key, consignment.carrier, attempt, verdict, entry)
