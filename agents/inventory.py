"""Inventory: keeps each product's stock, and what live orders hold of it."""

from __future__ import annotations

from typing import Any

from app import topics
from app.delivery import Participant, Retention
from app.main import app
from app.metrics import numbers
from app.participants.inventory import decide
from app.participants.leaving import LOOK_EVERY_S, product_of, stock_leaves_at_ms
from tables import inventory as table

retention = Retention(stock_leaves_at_ms, LOOK_EVERY_S, message_key=product_of)
participant = Participant(app, topics.INVENTORY, table, decide, park=topics.park, retention=retention)
table.observers.append(numbers.stock)


@app.agent(topics.inventory, name="inventory")
async def inventory(stream: Any) -> None:
    """Runs the participant."""
    await participant.run(stream)
