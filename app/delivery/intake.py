"""What becomes of a fetch: taken from exactly where the last one ended, trimmed, or read again.

Faust fills a jump between two fetches with acknowledgements; that is how messages were lost. Here a jump is
read again, and only a jump that is there twice is a hole in the log itself (compaction, retention).
"""

import logging
from collections.abc import Mapping, Sequence

from faust.types import TP

from app.delivery.contract import ConsumerRecord
from app.delivery.stats import Stats

log = logging.getLogger(__name__)


class Intake:
    """The next offset of each partition of this generation. A partition without one takes nothing."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._next: dict[TP, int] = {}
        self._jumps: dict[TP, tuple[int, int]] = {}

    def begin(self, starts: Mapping[TP, int]) -> None:
        """Start at these offsets, and forget what was before."""
        self._next = dict(starts)
        self._jumps = {}

    def stop(self) -> None:
        """Take nothing until `begin`."""
        self._next = {}

    @property
    def positions(self) -> Mapping[TP, int]:
        """The next offset of each partition."""
        return self._next

    def admit(self, tp: TP, records: Sequence[ConsumerRecord]) -> Sequence[ConsumerRecord] | int:
        """Return the records to hand on (none, when all were taken before), or the offset to read again."""
        expected = self._next.get(tp)
        first = records[0].offset
        if expected is None:
            self._stats.stale += 1
            return first
        if records[-1].offset < expected:
            return ()
        if first < expected:
            records = [record for record in records if record.offset >= expected]
            first = records[0].offset
        if first > expected and self._jumped(tp, expected, first):
            return expected
        self._next[tp] = records[-1].offset + 1
        return records

    def _jumped(self, tp: TP, expected: int, first: int) -> bool:
        if self._jumps.get(tp) != (expected, first):
            self._jumps[tp] = (expected, first)
            self._stats.gaps += 1
            log.error("%s: offsets %d to %d were skipped; reading again", tp, expected, first - 1)
            return True
        self._stats.holes += 1
        log.warning("%s: the log has no offsets %d to %d", tp, expected, first - 1)
        return False
