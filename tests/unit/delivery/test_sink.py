"""Accounting of slices, and what becomes of them over an outage: a real broker does not fail at these points."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from app.delivery import sender as module
from app.delivery.batch import BATCH_BYTES
from app.delivery.contract import DeliveryFailed
from app.delivery.sink import Sink, Slice
from app.delivery.stats import Stats
from tests.unit.delivery.fake_cluster import TOO_LARGE, FakeCluster

FRESH_S = 0.02


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def never() -> bool:
    await asyncio.Event().wait()
    return True


def make(
    cluster: FakeCluster,
    is_member: Callable[[], Awaitable[bool]] = yes,
    timeout_s: float = 5.0,
    stats: Stats | None = None,
) -> Sink:
    return Sink(cluster, FRESH_S, lambda _topic, key: len(key), stats or Stats(), is_member, timeout_s, lambda *_: None)


def written(sink: Sink, *keys: bytes) -> Slice:
    out = sink.begin()
    for key in keys:
        out.send("orders", key, b"", partition=0)
    return out


async def test_a_slice_is_done_when_its_last_record_is() -> None:
    cluster = FakeCluster()
    sink = make(cluster)
    out = written(sink, b"a")
    out.send("payments", b"b", b"", partition=0)
    cluster.leaders["payments", 0] = None
    done = out.done()
    while not cluster.log["orders", 0]:
        await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not done.done()
    assert sink.open == 1
    cluster.leaders["payments", 0] = 1
    await done
    assert sink.open == 0


async def test_nothing_of_a_slice_is_sent_before_its_end() -> None:
    cluster = FakeCluster()
    sink = make(cluster)
    out = written(sink, b"a", b"b")
    assert (len(sink.sender), sink.open) == (0, 1)
    done = out.done()
    assert len(sink.sender) == 2
    await done
    assert cluster.log["orders", 0] == [b"a", b"b"]


async def test_an_empty_slice_is_done_at_once() -> None:
    await make(FakeCluster()).begin().done()


async def test_a_record_without_a_partition_goes_where_its_key_belongs() -> None:
    cluster = FakeCluster()
    out = make(cluster).begin()
    out.send("orders", b"abc", b"")
    await out.done()
    assert cluster.log["orders", 3] == [b"abc"]


async def test_who_asks_is_told_where_the_records_of_a_changelog_stand() -> None:
    cluster, told = FakeCluster(), list[tuple[int, int, int]]()
    sink = make(cluster)
    await written(sink, b"a").done()
    out = sink.begin("orders", lambda *where: told.append(where))
    for topic, key, partition in (("orders", b"b", 0), ("orders", b"c", 1), ("others", b"d", 0), ("orders", b"e", 0)):
        out.send(topic, key, b"", partition=partition)
    await out.done()
    assert told == [(0, 1, 2), (1, 0, 1)]


async def test_a_slice_that_takes_several_batches_is_told_of_each() -> None:
    told = list[tuple[int, int, int]]()
    sink = make(FakeCluster())
    out = sink.begin("orders", lambda *where: told.append(where))
    for _ in range(3):
        out.send("orders", b"a", b"x" * (BATCH_BYTES // 2), partition=0)
    await out.done()
    assert sorted(told) == [(0, 0, 1), (0, 1, 1), (0, 2, 1)]
    assert sink.open == 0


async def test_what_fails_of_a_slice_is_no_offset() -> None:
    told = list[tuple[int, int, int]]()
    out = make(FakeCluster(lambda: TOO_LARGE)).begin("orders", lambda *where: told.append(where))
    out.send("orders", b"a", b"", partition=0)
    with pytest.raises(DeliveryFailed):
        await out.done()
    assert told == []


async def test_after_a_record_that_is_refused_nothing_is_sent_any_more() -> None:
    """What comes behind it was decided on rows that the log will never have."""
    cluster = FakeCluster(lambda: TOO_LARGE)
    sink = make(cluster)
    refused, behind = (written(sink, key).done() for key in (b"a", b"b"))
    with pytest.raises(DeliveryFailed, match="TooLarge"):
        await refused
    cluster.fault = lambda: ""
    for late in (behind, written(sink, b"c").done()):
        with pytest.raises(DeliveryFailed, match="TooLarge"):
            await late
    assert cluster.log["orders", 0] == []
    assert sink.open == 0


async def test_nothing_is_sent_after_the_group_went_on() -> None:
    cluster = FakeCluster()
    sink = make(cluster, no)
    await written(sink, b"a").done()
    cluster.down = True
    with pytest.raises(DeliveryFailed, match="went on"):
        await written(sink, b"b").done()
    cluster.down = False
    with pytest.raises(DeliveryFailed, match="went on"):
        await written(sink, b"c").done()
    assert cluster.log["orders", 0] == [b"a"]


async def test_what_an_outage_held_up_is_sent_again_in_order() -> None:
    cluster, back, stats = FakeCluster(), asyncio.Event(), Stats()

    async def member() -> bool:
        await back.wait()
        return True

    sink = make(cluster, member, stats=stats)
    await written(sink, b"a").done()
    cluster.down = True
    done = [written(sink, b"b", b"c").done(), written(sink, b"d").done()]
    while not sink.holding:
        await asyncio.sleep(0)
    done.append(written(sink, b"e").done())  # comes while the broker is away, and waits behind
    cluster.down = False
    back.set()
    await asyncio.gather(*done)
    assert cluster.log["orders", 0] == [b"a", b"b", b"c", b"d", b"e"]
    assert stats.resends == 4
    assert not sink.holding


async def test_a_worker_the_group_gave_up_sends_nothing_again() -> None:
    cluster = FakeCluster()
    cluster.down = True
    sink = make(cluster, no)
    with pytest.raises(DeliveryFailed, match="without this worker"):
        await written(sink, b"a").done()
    assert cluster.requests == []


async def test_an_outage_is_not_waited_for_for_ever() -> None:
    cluster = FakeCluster()
    cluster.down = True
    with pytest.raises(DeliveryFailed, match="away"):
        await written(make(cluster, never, timeout_s=0.05), b"a").done()


async def test_purge_fails_what_is_under_way_and_every_later_one() -> None:
    cluster = FakeCluster(lambda: "hang")
    sink = make(cluster)
    under_way = written(sink, b"a").done()
    while not cluster.requests:
        await asyncio.sleep(0)
    sink.purge()
    for failed in (under_way, written(sink, b"b").done()):
        with pytest.raises(DeliveryFailed):
            await failed
    assert sink.open == 0
