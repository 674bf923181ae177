"""Plain counters of one worker's delivery; whoever measures reads the attributes."""

from dataclasses import dataclass


@dataclass(slots=True)
class Stats:
    """All counters start at zero with the process. Only `calls_running` goes down again.

    `parked` counts dead letters of every kind, `failed` and `waiting` those of theirs; `replayed` the replays that were
    decided, and `released` the messages that were taken off a queue undecided.
    """

    slices: int = 0
    messages: int = 0
    parked: int = 0
    failed: int = 0
    waiting: int = 0
    replayed: int = 0
    released: int = 0
    gaps: int = 0
    holes: int = 0
    seekbacks: int = 0
    stale: int = 0
    dropped: int = 0
    pauses: int = 0
    purges: int = 0
    resends: int = 0
    stepbacks: int = 0
    healed: int = 0
    forgotten: int = 0
    revoke_timeouts: int = 0
    timers_rung: int = 0
    calls_started: int = 0
    calls_running: int = 0
