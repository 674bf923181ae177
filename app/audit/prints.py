"""Every row that the log makes leaves a print: by it a fact, which is such a row, is told from what never was.

The rows themselves, some ten an order, would not fit into memory.
"""

from __future__ import annotations

from app.delivery import Row
from schemas.codec import encode


class Prints:
    """The prints of rows: 64 bits of each, of all that is in it."""

    def __init__(self) -> None:
        self._seen: set[int] = set()

    def note(self, row: Row) -> None:
        """This row was made."""
        self._seen.add(hash(encode(row)))

    def has(self, row: Row) -> bool:
        """Whether just this row was ever made."""
        return hash(encode(row)) in self._seen
