"""A Faust table whose rows are written by a participant and survive late writers."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import faust
from faust.stores import memory
from faust.types import TP, EventT

from app.delivery.contract import Row, RowObserver
from app.delivery.queues import Queues, is_entry
from app.delivery.restoring import Restoring, version_in

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp


class RowStore(memory.Store[str, Row]):
    """Rows and queues in memory, by partition, so that a partition that leaves takes its own with it."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, dict[str, Row]] = {}
        self.queues: dict[int, Queues] = {}
        self._index()

    def _index(self) -> None:
        # One mapping over all partitions, for Faust's pages and for reads by key.
        self.data = ChainMap(*self.partitions.values())

    def keep(self, kept: set[int], fresh: set[int]) -> None:
        """Hold exactly the partitions `kept`, and start those of `fresh` empty."""
        self.partitions = {p: {} if p in fresh else self.partitions.get(p, {}) for p in sorted(kept)}
        self.queues = {p: self.queues.get(p, Queues()) if p not in fresh else Queues() for p in self.partitions}
        self._index()

    async def on_recovery_completed(self, active_tps: set[TP], standby_tps: set[TP]) -> None:
        """Keep what is ours; `RowTable.on_rebalance` has already dropped the rest."""
        self.keep({tp.partition for tp in active_tps | standby_tps}, set())


class RowTable(faust.Table[str, Row]):
    """`str` keys, rows of any type. Made by `row_table`, written by one `Participant` only."""

    app: "DeliveryApp"

    def __init__(
        self,
        app: "DeliveryApp",
        *,
        encode: Callable[[Row], bytes],
        decode: Callable[[bytes], Row],
        version: Callable[[Row], int],
        **options: Any,
    ) -> None:
        self.encode = encode
        self._decode = decode
        self.version = version
        self.observers: list[RowObserver] = []
        self._fresh: set[int] = set()
        self._stale: dict[int, set[bytes]] = {}
        self._restoring: dict[int, Restoring] = {}
        super().__init__(app, key_type=bytes, value_type=bytes, **options)

    def _new_store(self) -> RowStore:
        return RowStore("memory://", self.app, self, table_name=self.name, loop=self.loop)

    @property
    def _held(self) -> RowStore:
        store: RowStore = self.data  # type: ignore[assignment]  # `_new_store` made it
        return store

    @property
    def _rows(self) -> dict[int, dict[str, Row]]:
        return self._held.partitions

    def rows_of(self, partition: int) -> Mapping[str, Row]:
        """Return the rows of one partition (empty when it is not ours). Live: don't keep it over an await."""
        return self._rows.get(partition, {})

    def queues_of(self, partition: int) -> Queues:
        """Return the queues of a partition that is ours. Live, as `rows_of`."""
        return self._held.queues[partition]

    def row(self, key: str) -> Row | None:
        """Return the row of `key` in whichever owned partition it lies, or `None`."""
        for rows in self._rows.values():
            if key in rows:
                return rows[key]
        return None

    @property
    def partitions_held(self) -> frozenset[int]:
        """The partitions whose rows are in memory."""
        return frozenset(self._rows)

    def apply(self, partition: int, key: str, row: Row | None) -> None:
        """Change memory only: the participant sends the changelog record with its slice."""
        rows = self._rows[partition]
        for observer in self.observers:
            observer.written(partition, key, rows.get(key), row)
        if row is None:
            rows.pop(key, None)
        else:
            rows[key] = row

    def show(self, partitions: Iterable[int]) -> None:
        """Let the observers have the partitions that begin."""
        for observer in self.observers:
            observer.leave()
            for partition in partitions:
                observer.begin(partition, self.rows_of(partition))

    def hide(self) -> None:
        """Tell the observers that all partitions leave."""
        for observer in self.observers:
            observer.leave()

    def on_key_set(self, key: str, value: Row) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Refuse: a row that is written past its participant has no place in the order of slices."""
        raise TypeError(f"rows of {self.name!r} are written by their participant")

    def on_key_del(self, key: str) -> NoReturn:  # noqa: ARG002 - Faust's signature
        """Refuse, as `on_key_set`."""
        raise TypeError(f"rows of {self.name!r} are written by their participant")

    async def on_rebalance(
        self, assigned: set[TP], revoked: set[TP], newly_assigned: set[TP], generation_id: int = 0
    ) -> None:
        """Drop the rows of partitions that left, and of those that come anew: the changelog has better."""
        ours = self.changelog_topic_name
        self._fresh = {tp.partition for tp in newly_assigned if tp.topic == ours}
        for partition in self._fresh:
            self._restoring.pop(partition, None)
        self._held.keep({tp.partition for tp in assigned if tp.topic == ours}, self._fresh)
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

    def apply_changelog_batch(self, batch: Iterable[EventT[Any]]) -> None:
        """Recover rows: the highest version of a row wins, not its last record.

        A worker that was stopped and woken may have written older rows behind its successor's.
        """
        for event in batch:
            message = event.message
            rows = self._rows.get(message.partition)
            if rows is None or message.topic != self.changelog_topic_name or message.key is None:
                continue  # Faust's recovery hands a table the records of partitions that just left
            if is_entry(message.key):
                newest = self.queues_of(message.partition).restore(message.key, message.value)
            else:
                newest = self._restore(rows, message)
            stale = self._stale.setdefault(message.partition, set())
            if newest:
                stale.discard(message.key)
            else:
                self.app.stats.stepbacks += message.partition in self._fresh
                stale.add(message.key)

    def _restore(self, rows: dict[str, Row], message: Any) -> bool:
        """Take a row or its deletion from the changelog, unless a newer is known; tell whether this is the newest."""
        restoring = self._restoring.setdefault(message.partition, Restoring(self.version))
        key = message.key.decode()
        if message.value is None:
            return restoring.deletion(rows, key, version_in(message.headers or ()))
        return restoring.row(rows, key, self._decode(message.value))

    def take_stale(self, partition: int) -> set[bytes]:
        """Return, once, the changelog keys whose last record is not the newest: compaction would keep the wrong one."""
        self._restoring.pop(partition, None)  # it is read to its end: nothing of before comes any more
        return self._stale.pop(partition, set())

    def encoded(self, partition: int, changelog_key: bytes) -> bytes | None:
        """What the changelog should say under this key, of a row or of an entry of a queue; None when nothing."""
        if is_entry(changelog_key):
            return self.queues_of(partition).encoded(changelog_key)
        row = self.rows_of(partition).get(changelog_key.decode(errors="replace"))
        return None if row is None else self.encode(row)


def row_table(
    app: "DeliveryApp",
    name: str,
    *,
    partitions: int,
    encode: Callable[[Row], bytes],
    decode: Callable[[bytes], Row],
    version: Callable[[Row], int],
) -> RowTable:
    """Make and register the table `name`, partitioned like the topic of its participant.

    `encode`/`decode` turn a row into its changelog value and back; `version` grows with every change of a
    row, and recovery keeps the row with the highest one.
    """
    table = RowTable(app, name=name, partitions=partitions, encode=encode, decode=decode, version=version)
    app.tables.add(table)
    return table
