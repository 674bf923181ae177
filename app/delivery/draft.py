"""What a slice will cause, gathered while it is decided: memory changes at once, the log all together."""

import asyncio

from app.delivery.contract import Effects, Headers, Row
from app.delivery.queues import Entry, changelog_key
from app.delivery.restoring import version_header
from app.delivery.sink import OnOffset, Sink
from app.delivery.table import RowTable


class Draft:
    """One changelog record a row, in the order of each row's last write, then the records to send.

    The order counts: a decision writes what must not be missing first (a reservation) and the sum over it
    (the counters) last, and a crash may cut the slice anywhere. Entries of queues come behind all rows, so that
    none is gone before what it became is there, and the last of a queue first, so that none overtakes another.
    `on_offset` is told where each changelog record stands.
    """

    def __init__(self, table: RowTable, on_offset: OnOffset | None = None) -> None:
        self._table = table
        self._on_offset = on_offset
        self._rows: dict[tuple[int, str], Row | None] = {}
        self._ended: dict[tuple[int, str], int] = {}
        self._entries: dict[tuple[int, int], tuple[bytes, Entry]] = {}
        self._effects: list[tuple[Effects, Headers]] = []

    def add(self, partition: int, effects: Effects, headers: Headers = ()) -> None:
        """Take in the effects of one message of `partition`; later messages see its rows.

        What it sends gets these `headers`, unless it has some of its own.
        """
        for key, row in effects.rows:
            before = self._table.rows_of(partition).get(key) if row is None else None
            if before is not None:
                self._ended[partition, key] = self._table.version(before)
            self._table.apply(partition, key, row)
            self._rows.pop((partition, key), None)
            self._rows[partition, key] = row
        self._effects.append((effects, headers))

    def queue(self, partition: int, key: bytes, offset: int, entry: Entry) -> None:
        """Put a parked message of `partition` into its key's queue, or take it off."""
        self._table.queues_of(partition).put(key, offset, entry)
        self._entries[partition, offset] = key, entry

    @property
    def written(self) -> list[tuple[int, str]]:
        """The partitions and keys of the rows that were written."""
        return list(self._rows)

    def send(self, sink: Sink) -> "asyncio.Future[None]":
        """Send everything; the future is the slice's."""
        changelog = self._table.changelog_topic_name
        out = sink.begin(changelog, self._on_offset)
        for (partition, key), row in self._rows.items():
            if row is None:
                ended = self._ended.get((partition, key))
                headers = () if ended is None else version_header(ended)
                out.send(changelog, key.encode(), None, partition=partition, headers=headers)
            else:
                out.send(changelog, key.encode(), self._table.encode(row), partition=partition)
        for (partition, offset), (queue, entry) in sorted(self._entries.items(), reverse=True):
            out.send(changelog, changelog_key(queue, offset), entry.encode(), partition=partition)
        for effects, theirs in self._effects:
            for send in effects.sends:
                out.send(send.topic, send.key, send.value, headers=send.headers or theirs)
        return out.done()
