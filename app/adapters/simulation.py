"""How the simulated gateway and carrier misbehave: by a token in the order, or by chance.

| token     | what happens                                                          |
| --------- | --------------------------------------------------------------------- |
| `slow`    | each call takes `slow_s`                                              |
| `flaky`   | the first two calls of an operation fail before anything is done      |
| `timeout` | the first call of an operation does it, and its answer is lost        |
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.adapters.ledger import Ledger
from app.adapters.outcome import OutcomeUnknown, Verdict

FLAKY_CALLS: Final = 2


@dataclass(frozen=True, slots=True)
class Simulation:
    """The other side: its ledger, how long it takes, and how often (0 to 1) its answer is lost."""

    ledger: Ledger
    delay_s: float
    slow_s: float
    failure_rate: float
    chance: random.Random = field(default_factory=random.Random)

    async def answer(
        self, key: str, behaviour: str, attempt: int, verdict: Verdict, entry: Mapping[str, Any]
    ) -> Verdict:
        """The verdict as it was entered first under this key. Raises `OutcomeUnknown`."""
        delay_s = self.slow_s if behaviour == "slow" else self.delay_s
        if delay_s:
            await asyncio.sleep(delay_s)
        if behaviour == "flaky" and attempt <= FLAKY_CALLS:
            raise OutcomeUnknown("the connection was refused")
        said = {"ok": verdict.ok, "reference": verdict.reference, "reason": verdict.reason}
        kept = await self.ledger.enter({"_id": key, "at": time.time(), **entry, **said})
        if (behaviour == "timeout" and attempt == 1) or self.chance.random() < self.failure_rate:
            raise OutcomeUnknown("the answer did not come in time")
        return Verdict(kept["ok"], kept["reference"], kept["reason"])
