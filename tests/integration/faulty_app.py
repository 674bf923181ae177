"""The real worker with a fault in what it decides: orders of the user `unlucky` raise, until the file MENDED is there.

Imported before the agents, which take the decision from its module.
"""

import os
from pathlib import Path

from app.delivery import ConsumerRecord, Effects, Rows
from app.main import app
from app.participants import orders

__all__ = ["app"]

MENDED = Path(os.environ["MENDED"])
without_fault = orders.decide


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    if b'"unlucky"' in (record.value or b"") and not MENDED.exists():
        raise KeyError("luck")
    return without_fault(rows, record)


orders.decide = decide
