"""One participant's log decided once more, and the rows it makes compared with those of its table.

A row names the offset of the message that last changed it. So the table's row is compared at exactly that message,
however much further the log goes: no moment has to be found at which everything stands still.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, MutableMapping
from typing import Any

from app.adapters.kafka_log import Committed, LogRecord, Spans
from app.audit.books import Book, Kept, Table
from app.audit.report import Kind, Report
from app.audit.turns import Turns
from app.delivery import Row
from app.domain.value import Value
from schemas.codec import encode
from schemas.rows import OrderRow, ReservationRow, StockRow

OnWrite = Callable[[str, Row, LogRecord], None]
HasLeft = Callable[[Row], bool]
"""Whether a row, as the log makes it, may have left its table: then nothing is missing."""


class Replay:
    """The rows that the log of `topic` makes, by partition; `seen` is the last offset of each record key.

    `on_write` is told of every row that is made. Messages whose key is `cut` are left out, and so are its rows: what
    became of the first of them is not known any more.
    """

    def __init__(
        self,
        table: Table,
        topic: str,
        turns: Turns,
        book: Book,
        committed: Committed,
        cut: Collection[str],
        on_write: OnWrite,
    ) -> None:
        self.rows: defaultdict[int, dict[str, Row]] = defaultdict(dict)
        self.seen: dict[str, int] = {}
        self._table = table
        self._topic = topic
        self._turns = turns
        self._book = {key: kept for key, kept in book.items() if key.split("/")[0] not in cut}
        self._cut = cut
        self._committed = committed
        self._on_write = on_write
        self._due: dict[str, tuple[int, int]] = {}  # key -> partition and offset of its last committed change
        self._met: dict[str, Row] = {}  # key -> the row that the log makes at the version that the table has

    def take(self, record: LogRecord) -> None:
        """Decide on one record, the next of its partition."""
        if record.key is not None:
            key = record.key.decode(errors="replace")
            if key in self._cut:
                return
            self.seen[key] = record.offset
        rows = self.rows[record.partition]
        effects = self._turns.take(rows, record)
        for key, row in () if effects is None else effects.rows:
            if row is None:
                rows.pop(key, None)
                continue
            rows[key] = row
            self._on_write(key, row, record)
            if record.offset < self.committed(record.partition):
                self._due[key] = record.partition, record.offset
            kept = self._book.get(key)
            if kept is not None and kept.version == self._table.version(row):
                self._met[key] = row

    def leave_out(self, keys: Collection[str]) -> None:
        """Judge nothing that messages with these keys concern, and have no rows of theirs."""
        of_keys: tuple[MutableMapping[str, Any], ...] = (self._book, self._due, *self.rows.values())
        for found in of_keys if keys else ():
            for it in [it for it in found if it.split("/")[0] in keys]:
                del found[it]

    def committed(self, partition: int) -> int:
        """The offset of the topic below which the workers have committed everything."""
        return self._committed.get((self._topic, partition), 0)

    def row(self, partition: int, key: str) -> Row | None:
        """The row at the end of the log."""
        return self.rows[partition].get(key)

    def judge(self, spans: Spans, report: Report, has_left: HasLeft) -> None:
        """Report where the table differs. Rows that began before the log's beginning are left out."""
        for key, kept in self._book.items():
            if kept.row is None or began_before(kept.row, spans[kept.partition].low):
                continue
            made = self._met.get(key)
            if made is None:
                self._without_cause(key, kept, report)
            elif encode(made) != encode(kept.row):
                self._differs(key, kept, made, report)
        for key, (partition, offset) in self._due.items():
            found = self._book.get(key)
            if found is not None and (found.row is None or found.version >= offset):
                continue
            if found is not None and began_before(found.row, spans[partition].low):
                continue
            if found is None and spans[partition].low > 0 and self._table.name == "inventory":
                continue
            made = self.rows[partition].get(key)
            if found is None and made is not None and has_left(made):
                continue
            self._missing(key, partition, offset, found, report)

    def _differs(self, key: str, kept: Kept, made: Row, report: Report) -> None:
        detail = f"at offset {kept.version} of {self._topic}-{kept.partition}: {_difference(kept.row, made)}"
        report.add(Kind.ROW_DIFFERS, f"{self._table.name} {key}", detail, self._rewrite(key, kept), **whose(kept.row))

    def _without_cause(self, key: str, kept: Kept, report: Report) -> None:
        detail = f"no message at offset {kept.version} of {self._topic}-{kept.partition} makes this row"
        subject = f"{self._table.name} {key}"
        report.add(Kind.ROW_WITHOUT_CAUSE, subject, detail, self._rewrite(key, kept), **whose(kept.row))

    def _missing(self, key: str, partition: int, offset: int, found: Kept | None, report: Report) -> None:
        has = "there is no row" if found is None else f"the row stands at {found.version}"
        detail = f"offset {offset} of {self._topic}-{partition} is committed and changes it, but {has}"
        mend = f"Stop the workers, set their group's offset of {self._topic}-{partition} back to {offset}, start them"
        row = self.rows[partition].get(key)
        report.add(Kind.ROW_MISSING, f"{self._table.name} {key}", detail, mend, **({} if row is None else whose(row)))

    def _rewrite(self, key: str, kept: Kept) -> str:
        return (
            f"Stop the workers, write the row that the log makes for {key} to {self._table.changelog}-{kept.partition},"
            " or a deletion before it where the log's is older, and start them"
        )


def began_before(row: Row, low: int) -> bool:
    """Whether the log no longer holds the message that made this row first; stock needs all of its log."""
    if low == 0:
        return False
    if isinstance(row, OrderRow):
        return row.order.history[0].offset < low
    return True


def whose(row: Row) -> dict[str, tuple[str, ...]]:
    """The order and the product that a row of an order or a product is about."""
    if isinstance(row, OrderRow):
        return {"orders": (row.order_id,)}
    if isinstance(row, ReservationRow):
        return {"orders": (row.order_id,), "products": (row.product_id,)}
    return {"products": (row.product_id,)} if isinstance(row, StockRow) else {}


def _difference(kept: Row, made: Row) -> str:
    """The fields that differ: what the table has, and what the log makes."""
    ours, theirs = _flat(kept), _flat(made)
    names = [name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name)]
    return ", ".join(f"{name} is {ours.get(name)}, not {theirs.get(name)}" for name in sorted(names))


def _flat(row: Row) -> Mapping[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in row.__dict__.items():
        if isinstance(value, Value):
            flat.update({f"{name}.{field}": getattr(value, field) for field in value.__struct_fields__})
        else:
            flat[name] = value
    return flat
