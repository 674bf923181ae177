"""Who waits behind a message that failed: the queues of one partition, one a key, kept in the table's changelog.

Each parked message is an entry of its own, so that what is written does not grow with the queue. Entries stand in the
changelog between the rows; their keys begin with a byte that no text has, so none can be taken for a row's.
"""

import heapq
import json
from typing import Final, NamedTuple

PREFIX: Final = b"\xffqueued/"


def is_entry(changelog_key: bytes) -> bool:
    """Tell an entry of a queue from a row, by its key in the changelog."""
    return changelog_key.startswith(PREFIX)


def changelog_key(key: bytes, offset: int) -> bytes:
    """The key under which the entry of the message at `offset` stands."""
    return b"%b%b/%d" % (PREFIX, key, offset)


def _read(changelog_key: bytes) -> tuple[bytes, int]:
    """The key and the offset that `changelog_key` was made of."""
    key, _, offset = changelog_key.removeprefix(PREFIX).rpartition(b"/")
    return key, int(offset)


class Entry(NamedTuple):
    """A message that was parked, as the message at the offset `at` left it: in the queue, or `gone` from it.

    `error` is what the decision raised; None for one that was not tried.
    """

    at: int
    gone: bool = False
    error: str | None = None

    def encode(self) -> bytes:
        """The entry as it stands in the changelog."""
        return json.dumps(self._asdict()).encode()


class Queue:
    """What is known of the parked messages of one key, by offset: the order in which they came."""

    __slots__ = ("_waiting", "entries")

    def __init__(self) -> None:
        self.entries: dict[int, Entry] = {}
        self._waiting: list[int] = []  # a heap; those that are gone leave it when they come to its top

    def put(self, offset: int, entry: Entry) -> None:
        """Enter a message, or what has become of it."""
        known = self.entries.get(offset)
        self.entries[offset] = entry
        if not entry.gone and (known is None or known.gone):
            heapq.heappush(self._waiting, offset)

    def head(self) -> int | None:
        """Return the offset of the message that all others wait for; None when nothing waits."""
        while self._waiting:
            entry = self.entries.get(self._waiting[0])
            if entry is not None and not entry.gone:
                return self._waiting[0]
            heapq.heappop(self._waiting)
        return None

    def holds(self, offset: int | None = None) -> bool:
        """Tell whether anything waits, or whether the message at `offset` does."""
        if offset is None:
            return self.head() is not None
        entry = self.entries.get(offset)
        return entry is not None and not entry.gone


class Queues:
    """The queues of one partition, by the raw key of their messages."""

    def __init__(self) -> None:
        self._queues: dict[bytes, Queue] = {}
        self._deleted: set[bytes] = set()  # changelog keys of entries that the changelog says are deleted

    def get(self, key: bytes | None) -> Queue | None:
        """Return the queue of a key, if it has one; keyless messages never have."""
        return None if key is None else self._queues.get(key)

    def put(self, key: bytes, offset: int, entry: Entry) -> None:
        """Change memory only: the participant sends the changelog record with its slice."""
        self._queues.setdefault(key, Queue()).put(offset, entry)

    def restore(self, changelog_key: bytes, value: bytes | None) -> bool:
        """Take an entry from the changelog, unless a newer one is known; tell whether the record is the newest.

        One that was deleted is known until it is forgotten, so that what a late writer says of it is not believed.
        """
        key, offset = _read(changelog_key)
        known = self._entry(key, offset)
        if value is None:
            self._deleted.add(changelog_key)
            return known is None or known.gone
        entry = Entry(**json.loads(value))
        self._deleted.discard(changelog_key)
        if known is not None and entry.at < known.at:
            return False
        self.put(key, offset, entry)
        return True

    def encoded(self, changelog_key: bytes) -> bytes | None:
        """What the changelog should say of an entry: None for one that is forgotten, or never was."""
        entry = self._entry(*_read(changelog_key))
        return None if entry is None else entry.encode()

    def forget(self, start: int) -> list[bytes]:
        """Forget what was gone before the offset `start`, since nothing below it is read again.

        Returns the changelog keys of what can be deleted there: no message will ever have these entries again.
        """
        forgotten = []
        for key, queue in list(self._queues.items()):
            for offset, entry in list(queue.entries.items()):
                if entry.gone and entry.at < start:
                    del queue.entries[offset]
                    forgotten.append(changelog_key(key, offset))
            if not queue.entries:
                del self._queues[key]
        left = [entry for entry in forgotten if entry not in self._deleted]
        self._deleted.clear()
        return left

    def _entry(self, key: bytes, offset: int) -> Entry | None:
        queue = self._queues.get(key)
        return None if queue is None else queue.entries.get(offset)

    @property
    def blocked(self) -> int:
        """How many keys are blocked: a message of theirs failed, and was neither replayed nor dropped."""
        return sum(queue.head() is not None for queue in self._queues.values())
