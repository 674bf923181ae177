"""What becomes of one message: decided, or parked; and, once one of a key has failed, all behind it in its order.

A message whose decision raises is parked as failed and heads the queue of its key. The later messages of that key are
parked as waiting, and the other keys go on. A replay is the parked message sent once more, to the end of the same
partition, with the header `x-replay-of`; it counts in the place that its original has in the queue. A message with the
header `x-drop-of` takes one off the queue undecided.

All this is a function of the rows, the queue and the message, so a message that is read again after a crash does again
what it did: an entry knows the last message that changed it (`at`), and what stands at or before that is a repetition.
"""

import logging
from typing import Final, NamedTuple

from confluent_kafka import KafkaException

from app.delivery.about import about
from app.delivery.contract import ConsumerRecord, Decide, DeliveryFailed, Effects, Kind, Park, Parked, Refused, Rows
from app.delivery.queues import Entry, Queue, Queues
from app.delivery.stats import Stats

log = logging.getLogger(__name__)

TRIES: Final = 3
LONGEST_ERROR: Final = 500
REPLAY_OF: Final = "x-replay-of"
REPLAY_COUNT: Final = "x-replay-count"
DROP_OF: Final = "x-drop-of"

NOT_THE_DECISIONS_FAULT: Final = (DeliveryFailed, KafkaException, MemoryError, OSError)
"""A pure decision does none of what raises these: the machine is at fault, and parking would not help."""


class Outcome(NamedTuple):
    """What a message causes, and, if it changes its key's queue, the offset of the entry and what it now is."""

    effects: Effects = Effects()
    offset: int = -1
    entry: Entry | None = None


class Marks(NamedTuple):
    """What a message says of itself in its headers: which message of its own partition it replays or drops."""

    replay_of: int | None = None
    drop_of: int | None = None
    replays: int = 0


class Blocking:
    """Decides on messages, or parks them. Changes nothing but the counters; failures go to `told`."""

    def __init__(self, decide: Decide, park: Park, stats: Stats, told: logging.Logger = log) -> None:
        self._told = told
        self._decide = decide
        self._park = park
        self._stats = stats

    def handle(self, rows: Rows, queues: Queues, record: ConsumerRecord) -> Outcome:
        """Return what `record` causes, given the rows and the queues of its partition."""
        queue = queues.get(record.key)
        if queue is None and not record.headers:
            return self._attempt(rows, record, record.offset, None, 0)  # as nearly all do
        marks = marks_of(record)
        if marks.drop_of is not None:
            return self._release(queue, record, marks.drop_of)
        offset = _place(queue, record, marks)
        known = None if queue is None else queue.entries.get(offset)
        head = None if queue is None else queue.head()
        if known is None:
            if head is not None and head < record.offset:
                return self._wait(record, offset, None, marks.replays)
        elif known.gone and known.at != record.offset:
            return Outcome()  # what took it off stands further on in the log
        elif not known.gone and record.offset <= known.at:
            return self._park_again(record, offset, known, marks.replays)
        elif not known.gone and offset != head:
            return self._wait(record, offset, known.error, marks.replays)
        return self._attempt(rows, record, offset, known, marks.replays)

    def _attempt(self, rows: Rows, record: ConsumerRecord, offset: int, known: Entry | None, replays: int) -> Outcome:
        try:
            effects = self._decided(rows, record)
        except Refused as refusal:
            self._stats.parked += 1
            self._told.warning("a message is refused, and parked: %s", refusal.reason, extra=about(record))
            parked = Parked(Kind.REFUSED, refusal.reason, offset, 1, replays)
            effects = Effects(sends=(self._park(record, parked),))
        except NOT_THE_DECISIONS_FAULT:
            raise
        except Exception as error:
            self._told.exception("a message failed, and is parked: its key waits", extra=about(record))
            reason = f"{type(error).__name__}: {error}"[:LONGEST_ERROR]
            entry = None if record.key is None else Entry(record.offset, error=reason)
            return Outcome(self._parked(record, Parked(Kind.FAILED, reason, offset, TRIES, replays)), offset, entry)
        self._stats.replayed += replays > 0
        return Outcome(effects, offset, None if known is None else Entry(record.offset, gone=True))

    def _decided(self, rows: Rows, record: ConsumerRecord) -> Effects:
        for _ in range(TRIES - 1):
            try:
                return self._decide(rows, record)
            except (Refused, *NOT_THE_DECISIONS_FAULT):
                raise
            except Exception as error:
                self._told.warning("a message failed; trying again: %r", error, extra=about(record))
        return self._decide(rows, record)

    def _wait(self, record: ConsumerRecord, offset: int, error: str | None, replays: int) -> Outcome:
        entry = Entry(record.offset, error=error)
        return self._park_again(record, offset, entry, replays)._replace(offset=offset, entry=entry)

    def _park_again(self, record: ConsumerRecord, offset: int, entry: Entry, replays: int) -> Outcome:
        """Park it as its entry says: the first letter may have died with the worker."""
        if entry.error is not None:
            return Outcome(self._parked(record, Parked(Kind.FAILED, entry.error, offset, TRIES, replays)))
        reason = "an earlier message of its key failed"
        return Outcome(self._parked(record, Parked(Kind.WAITING, reason, offset, 0, replays)))

    def _parked(self, record: ConsumerRecord, parked: Parked) -> Effects:
        self._stats.parked += 1
        self._stats.failed += parked.kind is Kind.FAILED
        self._stats.waiting += parked.kind is Kind.WAITING
        return Effects(sends=(self._park(record, parked),))

    def _release(self, queue: Queue | None, record: ConsumerRecord, offset: int) -> Outcome:
        known = None if queue is None else queue.entries.get(offset)
        if known is None or known.gone:
            return Outcome()  # dropped twice, read again, or never in the queue
        self._stats.released += 1
        return Outcome(Effects(), offset, Entry(record.offset, gone=True))


def _place(queue: Queue | None, record: ConsumerRecord, marks: Marks) -> int:
    """The offset under which a message counts: of a replay its original's, as long as that is in the queue."""
    if queue is not None and marks.replay_of is not None:
        original = queue.entries.get(marks.replay_of)
        if original is not None and (not original.gone or original.at >= record.offset):
            return marks.replay_of
    return record.offset


def marks_of(record: ConsumerRecord) -> Marks:
    """Read the headers of replays and drops; marks that name another partition, or nothing, don't count."""
    headers = dict(record.headers)
    count = headers.get(REPLAY_COUNT, b"")
    return Marks(
        _offset_in(headers.get(REPLAY_OF), record),
        _offset_in(headers.get(DROP_OF), record),
        int(count) if count.isdigit() and len(count) < 10 else 0,
    )


def _offset_in(place: bytes | None, record: ConsumerRecord) -> int | None:
    """The offset in `topic-partition-offset`, if that is in the record's own partition and before it."""
    ours, _, offset = (place or b"").rpartition(b"-")
    if ours != f"{record.topic}-{record.partition}".encode() or not offset.isdigit() or len(offset) > 18:
        return None
    return int(offset) if int(offset) < record.offset else None
