"""A table's memory: what recovery keeps, and what leaves with a partition."""

import json
from typing import Any

import pytest
from faust.tables.recovery import RebalanceAgain
from faust.types import TP

from app.delivery import DeliveryApp, RowTable, row_table
from app.delivery.held import ChangelogRecord
from app.delivery.queues import Entry, changelog_key
from app.delivery.recovery import DrainRecovery

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


def recover(table: RowTable, key: str, version: int, *, partition: int = 0) -> None:
    """One more record of the partition's changelog."""
    held = table.held(partition)
    held.restore([ChangelogRecord(held.read_to, key.encode(), json.dumps({"v": version}).encode())])


async def test_rows_leave_with_their_partition_and_come_back_from_the_log_only(table: RowTable) -> None:
    await assign(table, {0, 1}, fresh={0, 1})
    recover(table, "a", 1, partition=0)
    recover(table, "b", 1, partition=1)
    await assign(table, {0}, fresh=set())
    assert (table.row("a"), table.row("b")) == ({"v": 1}, None)
    assert table.partitions_held == {0}
    await assign(table, {0, 1}, fresh={1})
    assert dict(table.rows_of(1)) == {}
    assert len(table) == 1


async def test_nobody_but_the_participant_writes(table: RowTable) -> None:
    with pytest.raises(TypeError, match="participant"):
        table["a"] = {"v": 1}


async def test_a_partition_that_stays_is_read_on_from_where_it_was(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, "a", 5)
    table.apply(0, "a", {"v": 7})
    table.held(0).acknowledged(1, 1)
    await assign(table, {0}, fresh=set())
    assert table.held(0).read_to == 2
    recover(table, "a", 6)
    assert table.row("a") == {"v": 7}
    assert table.held(0).sick == {b"a"}


async def test_a_partition_that_comes_anew_is_read_from_its_beginning(table: RowTable) -> None:
    """Also when it never seemed to leave: rows and what was read of them go together."""
    await assign(table, {0}, fresh={0})
    recover(table, "a", 5)
    await assign(table, {0}, fresh={0})
    assert (table.held(0).read_to, table.held(0).rows) == (0, {})


async def test_what_should_stand_under_a_changelog_key(table: RowTable) -> None:
    await assign(table, {0}, fresh={0})
    recover(table, "a", 2)
    entry = changelog_key(b"k", 11)
    table.queues_of(0).put(b"k", 11, Entry(50, gone=True))
    assert json.loads(table.encoded(0, b"a") or b"") == {"v": 2}
    assert table.encoded(0, entry) == Entry(50, gone=True).encode()
    assert (table.encoded(0, b"never"), table.encoded(0, changelog_key(b"k", 12))) == (None, None)


async def test_a_recovery_that_is_out_of_date_begins_again(table: RowTable) -> None:
    """The tables hear of a rebalance before recovery does, and have dropped then what has left."""
    await assign(table, {0, 1}, fresh={0, 1})
    recovery = table.app.tables.recovery
    assert isinstance(recovery, DrainRecovery)
    for partition in (0, 1):
        recovery.add_active(table, TP(CHANGELOG, partition))
    await assign(table, {0}, fresh=set())
    with pytest.raises(RebalanceAgain):
        await recovery._build_offsets(None, recovery.active_tps, recovery.active_offsets, "active")
