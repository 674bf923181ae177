"""Counts over rows: whatever is written, they are what a look at all rows would find."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from app.metrics.rows import RowCount, RowsSince

Write = tuple[int, str, int | None]
PARTITIONS = (0, 1)
WRITES = st.lists(
    st.tuples(st.sampled_from(PARTITIONS), st.sampled_from("abc"), st.one_of(st.none(), st.integers(0, 4)))
)


def label(row: int) -> str | None:
    return None if row == 0 else f"label {row // 2}"


def since_ms(row: int) -> int | None:
    return 1000 * row if row > 2 else None


@given(st.dictionaries(st.sampled_from("abc"), st.integers(0, 4)), WRITES)
def test_they_are_what_a_look_at_all_rows_finds(
    first: dict[str, int], writes: list[tuple[int, str, int | None]]
) -> None:
    rows: dict[int, dict[str, int]] = {0: dict(first), 1: {}}
    count, since = RowCount(label), RowsSince(since_ms)
    for partition in PARTITIONS:
        count.begin(partition, rows[partition])
        since.begin(partition, rows[partition])
    for partition, key, row in writes:
        before = rows[partition].pop(key, None)
        if row is not None:
            rows[partition][key] = row
        count.written(partition, key, before, row)
        since.written(partition, key, before, row)
    held = [row for table in rows.values() for row in table.values()]
    assert +count.totals() == Counter(found for row in held if (found := label(row)) is not None)
    waiting = [found for row in held if (found := since_ms(row)) is not None]
    assert (since.count(), since.oldest_ms()) == (len(waiting), min(waiting, default=None))


def test_a_partition_that_left_counts_no_more() -> None:
    count, since = RowCount(label), RowsSince(since_ms)
    for each in (count, since):
        each.begin(0, {"a": 4})
        each.leave()
        each.written(0, "a", 4, 3)
    assert not count.totals()
    assert since.count() == 0
