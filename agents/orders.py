"""Orders: carries each through stock, payment and shipping, and back where it must."""

from __future__ import annotations

from typing import Any

from app import topics
from app.delivery import Participant
from app.main import app
from app.participants.orders import decide
from tables import orders as table

participant = Participant(app, topics.ORDERS, table, decide, park=topics.park)


@app.agent(topics.orders, name="orders")
async def orders(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
