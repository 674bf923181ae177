"""Inventory: keeps each product's stock, and what live orders hold of it."""

from __future__ import annotations

from typing import Any

from app import topics
from app.delivery import Participant
from app.main import app
from app.participants.inventory import decide
from tables import inventory as table

participant = Participant(app, topics.INVENTORY, table, decide, park=topics.park)


@app.agent(topics.inventory, name="inventory")
async def inventory(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
