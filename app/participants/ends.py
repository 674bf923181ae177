"""How a call outside ended, as the participants are told of it."""

from __future__ import annotations

from typing import NamedTuple


class Ended(NamedTuple):
    """A definite end: `reference` is the other side's name for what was done, `reason` its word for a no.

    `attempts` counts the calls it took; `at_ms` is when it was known, in milliseconds since 1970; `trace` is the
    `traceparent` of the call, or empty.
    """

    ok: bool
    reference: str
    reason: str
    attempts: int
    at_ms: int
    trace: str = ""
