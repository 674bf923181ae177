"""A Faust table whose rows are written by a participant and survive late writers."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

import faust
from faust.stores import memory
from faust.types import TP

from app.delivery.contract import Row, RowObserver
from app.delivery.held import Held
from app.delivery.queues import Queues, is_entry

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp


class RowStore(memory.Store[str, Row]):
    """Rows and queues in memory, by partition, so that a partition that leaves takes its own with it."""

    table: "RowTable"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.partitions: dict[int, Held] = {}
        self._index()

    def _index(self) -> None:
        # One mapping over all partitions, for Faust's pages and for reads by key.
        self.data = ChainMap(*(held.rows for held in self.partitions.values()))

    def keep(self, kept: set[int], fresh: set[int]) -> None:
        """Hold exactly the partitions `kept`, and start those of `fresh`, and those that were not held, empty."""
        still = {p: held for p, held in self.partitions.items() if p in kept - fresh}
        self.partitions = {p: still[p] if p in still else self.table.new_partition() for p in sorted(kept)}
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
        super().__init__(app, key_type=bytes, value_type=bytes, **options)

    def _new_store(self) -> RowStore:
        return RowStore("memory://", self.app, self, table_name=self.name, loop=self.loop)

    @cached_property
    def _memory(self) -> RowStore:
        store: RowStore = self.data  # type: ignore[assignment]  # `_new_store` made it
        return store

    def new_partition(self) -> Held:
        """A partition of which nothing is read yet."""
        return Held(self._decode, self.version)

    def held(self, partition: int) -> Held:
        """Return a partition that is ours. Live, as `rows_of`."""
        return self._memory.partitions[partition]

    def rows_of(self, partition: int) -> Mapping[str, Row]:
        """Return the rows of one partition (empty when it is not ours). Live: don't keep it over an await."""
        held = self._memory.partitions.get(partition)
        return {} if held is None else held.rows

    def queues_of(self, partition: int) -> Queues:
        """Return the queues of a partition that is ours. Live, as `rows_of`."""
        return self.held(partition).queues

    def row(self, key: str) -> Row | None:
        """Return the row of `key` in whichever owned partition it lies, or `None`."""
        for held in self._memory.partitions.values():
            if key in held.rows:
                return held.rows[key]
        return None

    @property
    def partitions_held(self) -> frozenset[int]:
        """The partitions whose rows are in memory."""
        return frozenset(self._memory.partitions)

    def apply(self, partition: int, key: str, row: Row | None) -> None:
        """Change memory only: the participant sends the changelog record with its slice."""
        rows = self._memory.partitions[partition].rows
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
        self._memory.keep(
            {tp.partition for tp in assigned if tp.topic == ours},
            {tp.partition for tp in newly_assigned if tp.topic == ours},
        )
        await super().on_rebalance(assigned, revoked, newly_assigned, generation_id)

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
