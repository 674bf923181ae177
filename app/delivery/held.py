"""One partition of a table in memory: its rows, its queues, and how far its changelog has been read into them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, NamedTuple

from app.delivery.contract import Headers, Row
from app.delivery.queues import Queues, is_entry
from app.delivery.restoring import Restoring, version_in


class ChangelogRecord(NamedTuple):
    """A record of a changelog, as it was read."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: Headers = ()


class Held:
    """`read_to` is the next offset of the changelog: of what is to be read, or of our own next record.

    `sick` are the changelog keys whose last record is not the newest, which compaction would keep; `foreign` the ranges
    (first, end) that somebody else has written since we own the partition, and `unread_from` the first offset of them
    that memory knows nothing of; `forgotten` the keys that are to be deleted. What is sick may be written again once
    all before `decided_to` in the topic is decided.
    All of it lives and goes with the rows, so that what was read can't be remembered of rows that were dropped, nor
    forgotten of rows that stay.
    """

    __slots__ = (
        *("_decode", "_restoring", "_version", "decided_to", "foreign", "forgotten", "queues", "read_to", "rows"),
        *("sick", "unread_from"),
    )

    def __init__(self, decode: Callable[[bytes], Row], version: Callable[[Row], int]) -> None:
        self.rows: Final[dict[str, Row]] = {}
        self.queues: Final = Queues()
        self.read_to = 0
        self.sick: set[bytes] = set()
        self.foreign: list[tuple[int, int]] = []
        self.unread_from: int | None = None
        self.decided_to = 0
        self.forgotten: list[bytes] = []
        self._decode = decode
        self._version = version
        self._restoring = Restoring(version)

    def restore(self, records: Iterable[ChangelogRecord]) -> int:
        """Take the next records: the highest version of a row wins, not its last record.

        A worker that was stopped and woken may have written older rows behind its successor's. Returns how many records
        were older than what was known.
        """
        older = 0
        for record in records:
            if record.offset < self.read_to:
                continue
            self.read_to = record.offset + 1
            if record.key is None:
                continue
            if self._take(record.key, record):
                self.sick.discard(record.key)
            else:
                self.sick.add(record.key)
                older += 1
        return older

    def _take(self, key: bytes, record: ChangelogRecord) -> bool:
        if is_entry(key):
            return self.queues.restore(key, record.value)
        if record.value is None:
            return self._restoring.deletion(self.rows, key.decode(), version_in(record.headers))
        return self._restoring.row(self.rows, key.decode(), self._decode(record.value))

    def begin(self) -> None:
        """It is read to its end, and ours: nothing of before comes any more."""
        self._restoring = Restoring(self._version)

    def acknowledged(self, offset: int, count: int) -> bool:
        """So many of our records stand from this offset on. Returns whether somebody else has written before them."""
        gap = offset > self.read_to
        if gap:
            self.passed_over(offset)
        self.read_to = offset + count
        return gap

    def passed_over(self, end: int) -> None:
        """What comes before this offset, and was not read, is somebody else's."""
        self.foreign.append((self.read_to, end))
        if self.unread_from is None:
            self.unread_from = self.read_to
        self.read_to = end

    def rewind(self) -> int:
        """Where to read on from, now that the partition is given to us anew.

        Whoever wrote behind our back may have owned it meanwhile, and taken things in that we know nothing of.
        """
        if self.unread_from is not None:
            self.read_to, self.unread_from = self.unread_from, None
        return self.read_to

    @property
    def is_ill(self) -> bool:
        """Whether something is to be found out, written again, or deleted."""
        return bool(self.sick or self.foreign or self.forgotten)

    def healed(self) -> None:
        """All that is sick, or forgotten, is written again."""
        self.sick, self.forgotten, self.unread_from = set(), [], None
