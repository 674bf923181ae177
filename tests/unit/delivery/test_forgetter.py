"""Whose rows are let go of, when: a partition of one table, with stand-ins for the broker and the consumer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException

from app.delivery import forgetting
from app.delivery.contract import Row, Send
from app.delivery.forgetting import Forgetter, Retention
from app.delivery.queues import Entry, Queues
from app.delivery.restoring import version_header
from app.delivery.stats import Stats

OVER, LIVE = {"v": 3, "leaves": 0}, {"v": 2, "leaves": None}


class Table:
    """One partition, 0, in memory."""

    changelog_topic_name = "changelog"

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {"over": OVER, "live": LIVE}
        self.queues = Queues()

    def rows_of(self, _partition: int) -> Mapping[str, Row]:
        return self.rows

    def queues_of(self, _partition: int) -> Queues:
        return self.queues

    def apply(self, _partition: int, key: str, row: Row | None) -> None:
        assert row is None
        del self.rows[key]

    @staticmethod
    def version(row: Row) -> int:
        return int(row["v"])


class Sent:
    """Notes what is sent, in order; what `on_send` says happens meanwhile."""

    def __init__(self) -> None:
        self.records: list[tuple[str, bytes, bytes | None, Any]] = []
        self.on_send: Any = lambda: None

    def begin(self, *_: object) -> Sent:
        return self

    def send(self, topic: str, key: bytes, value: bytes | None, **more: Any) -> None:
        self.records.append((topic, key, value, more.get("headers")))

    def done(self) -> asyncio.Future[None]:
        self.on_send()
        acknowledged = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged


class Bench:
    def __init__(self, **retention: Any) -> None:
        self.table, self.sent, self.stats = Table(), Sent(), Stats()
        self.end: int | KafkaException = 7
        self.committed, self.current = 7, True
        lane = SimpleNamespace(topic="in", generation=1, ranges=SimpleNamespace(partitions=[0]))
        app = SimpleNamespace(
            ends=SimpleNamespace(end=self._end),
            drain=SimpleNamespace(committed=lambda _tp: self.committed, is_current=lambda: self.current),
            guard=SimpleNamespace(check=lambda _when: None),
            sink=self.sent,
            stats=self.stats,
        )
        made = Retention(lambda row: row["leaves"], 0.0, **retention)
        self.forgetter = Forgetter(app, lane, self.table, made, lambda *_: None)  # type: ignore[arg-type]  # stand-ins

    async def _end(self, _topic: str, _partition: int) -> int:
        if isinstance(self.end, KafkaException):
            raise self.end
        return self.end

    async def look(self) -> set[str]:
        """One look; the keys that are left."""
        await self.forgetter._look(0, 1)
        self.forgetter.leaving.clear()
        return set(self.table.rows)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forgetting, "COMMIT_TIMEOUT_S", 0.05)
    monkeypatch.setattr(forgetting, "COMMIT_POLL_S", 0.01)


async def test_what_is_over_is_deleted_with_the_version_it_had() -> None:
    bench = Bench()
    assert await bench.look() == {"live"}
    assert bench.sent.records == [("changelog", b"over", None, version_header(3))]
    assert bench.stats.forgotten == 1


async def test_nothing_leaves_before_the_commit_is_past_the_end() -> None:
    bench = Bench()
    bench.committed = 6
    assert await bench.look() == {"over", "live"}
    assert bench.sent.records == []


async def test_nothing_leaves_while_the_broker_is_away() -> None:
    bench = Bench()
    bench.end = KafkaException(KafkaError(KafkaError._TRANSPORT))
    assert await bench.look() == {"over", "live"}


async def test_nothing_leaves_once_the_partitions_have() -> None:
    bench = Bench()
    bench.current = False
    assert await bench.look() == {"over", "live"}


async def test_nothing_leaves_that_failed_messages_wait_for() -> None:
    bench = Bench(message_key=lambda key: f"of {key}")
    bench.table.queues.put(b"of over", 4, Entry(4, error="KeyError"))
    assert await bench.look() == {"over", "live"}
    bench.table.queues.put(b"of over", 4, Entry(9, gone=True))
    assert await bench.look() == {"live"}


async def test_a_farewell_goes_before() -> None:
    bench = Bench(farewell=lambda row: [Send("legs", b"k", str(row["v"]).encode())])
    assert await bench.look() == {"live"}
    assert [(topic, value) for topic, _, value, _ in bench.sent.records] == [("legs", b"3"), ("changelog", None)]


async def test_a_row_that_is_concerned_while_its_farewell_is_sent_stays() -> None:
    bench = Bench(farewell=lambda _row: [Send("legs", b"k", b"")])
    bench.sent.on_send = lambda: bench.forgetter.leaving.watch(bench.table.rows).get("over")
    assert await bench.look() == {"over", "live"}
    assert [topic for topic, *_ in bench.sent.records] == ["legs"]


async def test_only_what_is_kept_elsewhere_leaves() -> None:
    async def nothing(_rows: Mapping[str, Row]) -> Mapping[str, Row]:
        return {}

    bench = Bench(kept=nothing, farewell=lambda _row: [Send("legs", b"k", b"")])
    assert await bench.look() == {"over", "live"}
    assert bench.sent.records == []
