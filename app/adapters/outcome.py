"""How a call to the world outside ends: with a verdict, or not knowably, and then it is made again."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Final, NamedTuple

log: Final = logging.getLogger(__name__)

TOLD_AT: Final = (5, 20)
"""After so many vain attempts the log says so, and then each time that the order is told, too."""


class Verdict(NamedTuple):
    """A definite end. `reference` is the other side's own name for what was done, `reason` its word for a no."""

    ok: bool
    reference: str = ""
    reason: str = ""


class OutcomeUnknown(Exception):
    """The call may have had its effect or not: it must be made again with the same key, at the same place."""


class Settled(NamedTuple):
    """A verdict, and how many calls it took."""

    verdict: Verdict
    attempts: int


class Retry(NamedTuple):
    """How calls are made again: the first pause and the longest, and after how many attempts they are `stalled`."""

    first_s: float
    longest_s: float
    attempts: int


async def until_definite(
    call: Callable[[int], Awaitable[Verdict]],
    stalled: Callable[[int], Awaitable[None]],
    retry: Retry,
    jitter: random.Random,
) -> Settled:
    """Make the call until its outcome is known, waiting ever longer, with jitter in between.

    `call` gets the number of the attempt, from 1. `stalled` gets it as often as another `retry.attempts` of them have
    brought nothing definite: what was told then may have been lost with a worker.
    """
    attempt, pause_s, longest_s = 1, retry.first_s, retry.longest_s
    while True:
        try:
            return Settled(await call(attempt), attempt)
        except OutcomeUnknown as unknown:
            if attempt in TOLD_AT or attempt % retry.attempts == 0:
                log.warning("no definite answer after %d attempts, going on: %s", attempt, unknown)
            if attempt % retry.attempts == 0:
                await stalled(attempt)
            await asyncio.sleep(pause_s * jitter.uniform(0.5, 1.0))
            attempt, pause_s = attempt + 1, min(pause_s * 2, longest_s)
