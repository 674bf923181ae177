"""The real worker with a fault in what it decides: what names `unlucky` raises, until the file MENDED is there.

Orders, and stock. Imported before the agents, which take the decisions from their modules.
"""

import os
from pathlib import Path
from types import ModuleType

from app.delivery import ConsumerRecord, Effects, Rows
from app.main import app
from app.participants import inventory, orders

__all__ = ["app"]

MENDED = Path(os.environ["MENDED"])


def spoil(participant: ModuleType) -> None:
    without_fault = participant.decide

    def decide(rows: Rows, record: ConsumerRecord) -> Effects:
        if b'"unlucky"' in (record.value or b"") and not MENDED.exists():
            raise KeyError("luck")
        effects: Effects = without_fault(rows, record)
        return effects

    participant.decide = decide  # type: ignore[attr-defined]


spoil(orders)
spoil(inventory)
