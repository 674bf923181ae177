"""Numbers on the command line that lie between two ends."""

from __future__ import annotations

import math
from typing import Any, Final

import click


class FiniteRange(click.FloatRange):
    """A number between two ends. Those that are infinite, or none, would pass click's own comparisons."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; `BadParameter` when it is none, or beyond."""
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{value!r} is not a finite number", param, ctx)
        return number


SECONDS: Final = FiniteRange(0, 7 * 24 * 3600)
"""How long a command waits."""
SHARE: Final = FiniteRange(0, 1)
"""A part of all."""
EVENTS_A_SECOND: Final = 1_000_000
"""More than anybody asks for, and little enough for every store to hold."""
LONGEST_DAYS: Final = 36_500
"""A hundred years, which the calendar still has."""
