"""Money is an integer in the currency's minor unit: `1999` with `USD` is 19.99."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

MAX_UNIT_PRICE_MINOR: Final = 1_000_000_000
"""So that 100 lines of 10,000 pieces stay below 2**53, which every JSON reader holds exactly."""


class Priced(Protocol):
    """A number of pieces of one product and what one of them costs."""

    @property
    def quantity(self) -> int:
        """Pieces."""

    @property
    def unit_price_minor(self) -> int:
        """The price of one piece, in the currency's minor unit."""

    @property
    def currency(self) -> str:
        """ISO 4217 code; empty while the price is not known."""


def total_minor(lines: Iterable[Priced]) -> int:
    """The sum of the lines in minor units; a line whose price is not known yet counts nothing."""
    return sum(line.quantity * line.unit_price_minor for line in lines)


def currency_of(lines: Iterable[Priced]) -> str | None:
    """The one currency of all priced lines, empty when none has a price; None when they differ."""
    currencies = {line.currency for line in lines if line.currency}
    if len(currencies) > 1:
        return None
    return next(iter(currencies), "")
