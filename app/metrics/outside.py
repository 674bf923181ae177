"""Calls to the world outside: gateway and carrier, and MongoDB."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from functools import cache
from typing import Final

from prometheus_client import Histogram
from pymongo import monitoring

from app.adapters.outcome import OutcomeUnknown, Verdict

CALL_S: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)

calls: Final = Histogram(
    "outside_call_seconds",
    "Calls to gateways and carriers. `unknown` are those without a definite answer: they are made again.",
    ["to", "operation", "outcome"],
    buckets=CALL_S,
)
commands: Final = Histogram("mongodb_command_seconds", "Commands to MongoDB.", ["command", "outcome"], buckets=CALL_S)
# To find a series takes longer than to note a time in it.
_calls: Final = cache(calls.labels)
_commands: Final = cache(commands.labels)


async def measured(to: str, operation: str, call: Awaitable[Verdict]) -> Verdict:
    """Wait for one call to the gateway or carrier `to`, and note how long it took and how it ended."""
    began_s, outcome = time.perf_counter(), "failed"
    try:
        verdict = await call
        outcome = "done" if verdict.ok else "refused"
        return verdict
    except OutcomeUnknown:
        outcome = "unknown"
        raise
    finally:
        _calls(to, operation, outcome).observe(time.perf_counter() - began_s)


class CommandsMeasured(monitoring.CommandListener):
    """Notes each command to MongoDB, by its name; called from the driver's threads."""

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """Nothing is known of it yet."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """It was answered."""
        _commands(event.command_name, "done").observe(event.duration_micros / 1e6)

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """It was refused, or not answered."""
        _commands(event.command_name, "failed").observe(event.duration_micros / 1e6)
