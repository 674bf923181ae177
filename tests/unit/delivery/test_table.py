"""A table's memory: what recovery keeps, and what leaves with a partition."""

import json
from types import SimpleNamespace
from typing import Any

import pytest
from faust.types import TP

from app.delivery import DeliveryApp, Headers, RowTable, row_table
from app.delivery.queues import Entry, changelog_key
from app.delivery.restoring import version_header

CHANGELOG = "t-orders-changelog"


@pytest.fixture
def table(tmp_path: Any) -> RowTable:
    app = DeliveryApp("t", bootstrap="127.0.0.1:1", datadir=str(tmp_path))
    made = row_table(
        app,
        "orders",
        partitions=4,
        encode=lambda row: json.dumps(row).encode(),
        decode=json.loads,
        version=lambda row: row["v"],
    )
    assert made.changelog_topic_name == CHANGELOG
    return made


async def assign(table: RowTable, partitions: set[int], fresh: set[int]) -> None:
    tps = {TP(CHANGELOG, partition) for partition in partitions} | {TP("orders", 0)}
    await table.on_rebalance(tps, set(), {TP(CHANGELOG, partition) for partition in fresh})


def recover(
    table: RowTable, *rows: tuple[str, int | None], partition: int = 0, topic: str = CHANGELOG, headers: Headers = ()
) -> None:
    table.apply_changelog_batch(
        SimpleNamespace(  # type: ignore[misc]
            message=SimpleNamespace(
                topic=topic,
                partition=partition,
                key=key.encode(),
                headers=headers,
                value=None if version is None else json.dumps({"v": version}).encode(),
            )
        )
        for key, version in rows
    )


async def test_the_highest_version_wins_not_the_last_record(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, ("a", 1), ("a", 3), ("a", 2))
    assert table.row("a") == {"v": 3}
    assert table.app.stats.stepbacks == 1


async def test_a_deleted_row_may_begin_anew(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, ("a", 3), ("a", None))
    assert table.row("a") is None
    recover(table, ("a", 1))
    assert table.row("a") == {"v": 1}


async def test_a_row_of_before_its_deletion_stays_deleted(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, ("a", 3))
    recover(table, ("a", None), headers=version_header(3))
    recover(table, ("a", 2))
    assert table.row("a") is None
    assert table.take_stale(0) == {b"a"}


async def test_rows_leave_with_their_partition_and_come_back_from_the_log_only(table: RowTable) -> None:
    await assign(table, {0, 1}, fresh={0, 1})
    recover(table, ("a", 1), partition=0)
    recover(table, ("b", 1), partition=1)
    await assign(table, {0}, fresh=set())
    assert (table.row("a"), table.row("b")) == ({"v": 1}, None)
    assert table.partitions_held == {0}
    await assign(table, {0, 1}, fresh={1})
    assert dict(table.rows_of(1)) == {}
    assert len(table) == 1


async def test_records_of_other_topics_and_partitions_are_not_ours(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, ("a", 1), topic="t-stock-changelog")
    recover(table, ("b", 1), partition=3)
    assert (table.row("a"), table.row("b")) == (None, None)


async def test_nobody_but_the_participant_writes(table: RowTable) -> None:
    with pytest.raises(TypeError, match="participant"):
        table["a"] = {"v": 1}


async def test_reading_own_writes_again_takes_nothing_back(table: RowTable) -> None:
    """A partition that stays is read again from where its last recovery ended, while its rows are newer."""
    await assign(table, {0}, fresh={0})
    table.apply(0, "a", {"v": 7})
    await assign(table, {0}, fresh=set())
    recover(table, ("a", 5))
    assert table.row("a") == {"v": 7}
    assert table.app.stats.stepbacks == 0


async def test_what_must_be_written_again_is_known_of_rows_and_of_entries_of_queues(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, ("a", 1), ("a", 2), ("a", 1), ("b", 1))
    entry = changelog_key(b"k", 11)
    for value in (Entry(11), Entry(50, gone=True), Entry(11)):
        message = SimpleNamespace(topic=CHANGELOG, partition=0, key=entry, value=value.encode())
        table.apply_changelog_batch([SimpleNamespace(message=message)])  # type: ignore[list-item]
    assert table.take_stale(0) == {b"a", entry}
    assert table.take_stale(0) == set()
    assert json.loads(table.encoded(0, b"a") or b"") == {"v": 2}
    assert table.encoded(0, entry) == Entry(50, gone=True).encode()
    assert (table.encoded(0, b"never"), table.encoded(0, changelog_key(b"k", 12))) == (None, None)
