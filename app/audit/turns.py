"""Which messages of a log were decided on, and which were parked: as the workers take them, by the letters they wrote.

That a decision failed stands in no row, and a mended one does not fail again. So a message failed if its letter says
so; what then waits, is replayed or is dropped follows from the log, by the workers' own rules.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Container
from typing import Final, NamedTuple

from app.delivery import ConsumerRecord, Decide, Effects, Parked, Rows, Send
from app.delivery.blocking import Blocking, marks_of
from app.delivery.queues import Queues
from app.delivery.stats import Stats

_NOBODY: Final = logging.Logger("nobody")
_NOBODY.disabled = True  # what failed in the workers stands in their logs

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class Failure(NamedTuple):
    """One failed try: where its message first stood, how often it had been replayed, and its bytes."""

    place: Place
    replays: int
    value: bytes | None


class Turns:
    """Takes the messages of one topic in their order. `parked` says of which there must be letters, and why."""

    def __init__(self, decide: Decide, failures: Container[Failure]) -> None:
        self.parked: dict[Place, str] = {}
        self._decide = decide
        self._failures = failures
        self._queues: defaultdict[int, Queues] = defaultdict(Queues)
        self._blocking = Blocking(self._decide_or_fail, self._park, Stats(), _NOBODY)
        self._decided = False

    def take(self, rows: Rows, record: ConsumerRecord) -> Effects | None:
        """What the message causes; None when it was not decided on: refused, failed, left waiting, or no message."""
        self._decided = False
        queues = self._queues[record.partition]
        effects, offset, entry = self._blocking.handle(rows, queues, record)
        if entry is not None and record.key is not None:
            queues.put(record.key, offset, entry)
        return effects if self._decided else None

    def _decide_or_fail(self, rows: Rows, record: ConsumerRecord) -> Effects:
        marks = marks_of(record)
        for offset in (record.offset, marks.replay_of):
            if offset is None:
                continue
            if Failure((record.topic, record.partition, offset), marks.replays, record.value) in self._failures:
                raise RuntimeError("as it did in the worker")
        effects = self._decide(rows, record)
        self._decided = True
        return effects

    def _park(self, record: ConsumerRecord, parked: Parked) -> Send:
        self.parked[record.topic, record.partition, parked.offset] = f"it is {parked.kind}: {parked.reason}"
        return Send(record.topic, b"", b"")  # nobody sends it
