"""Each record once and in order, whatever becomes of requests and answers; what is old only when it is allowed."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO

import pytest
from aiokafka.protocol.produce import ProduceResponse_v7  # type: ignore[import-untyped]  # has no types
from hypothesis import given
from hypothesis import strategies as st

from app.delivery import sender as module
from app.delivery.batch import BATCH_BYTES, Batch, OnDelivery, ProducerId
from app.delivery.produce import Answer, Appended, Place
from app.delivery.read import Read
from app.delivery.sender import Sender
from tests.unit.delivery.fake_cluster import NOT_LEADER, OUT_OF_ORDER, TOO_LARGE, FakeCluster

A: Place = ("orders", 0)
B: Place = ("orders", 1)
LONG_S = 60.0


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)


async def yes(_waited_s: float) -> str | None:
    return None


async def no(_waited_s: float) -> str | None:
    return "not ours"


class Told:
    """What the sender says of each record."""

    def __init__(self) -> None:
        self.offsets: dict[bytes, int] = {}
        self.errors: dict[bytes, str] = {}

    def of(self, key: bytes) -> OnDelivery:
        def on_delivery(error: str | None, offset: int, time_ms: int, count: int) -> None:
            assert count == 1
            assert key not in self.offsets, "told once"
            assert key not in self.errors
            if error is None:
                assert time_ms > 0
                self.offsets[key] = offset
            else:
                self.errors[key] = error

        return on_delivery


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)


async def test_what_comes_in_one_turn_goes_in_one_request() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    for place, key in ((A, b"a"), (B, b"b"), (A, b"c")):
        sender.send(place, [(key, b"", ())], told.of(key))
    assert len(sender) == 3
    await until(lambda: len(told.offsets) == 3)
    assert cluster.requests == [(1, {A: [b"a", b"c"], B: [b"b"]})]
    assert told.offsets == {b"a": 0, b"b": 0, b"c": 1}
    assert len(sender) == 0


async def test_what_comes_while_a_request_is_under_way_goes_together_in_the_next_one() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    cluster.gate.clear()
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(cluster.requests))
    for place, key in ((A, b"b"), (B, b"c"), (A, b"d")):
        sender.send(place, [(key, b"", ())], told.of(key))
        await asyncio.sleep(0)
    cluster.gate.set()
    await until(lambda: len(told.offsets) == 4)
    assert [batches for _, batches in cluster.requests] == [{A: [b"a"]}, {A: [b"b", b"d"], B: [b"c"]}]


async def test_records_that_are_sent_at_once_are_told_of_at_once_and_part_by_part_where_they_do_not_fit() -> None:
    cluster, told = FakeCluster(), list[tuple[str | None, int, int]]()
    sender = Sender(cluster, LONG_S, yes)
    small, large = (b"a", b"", ()), (b"b", b"x" * (BATCH_BYTES // 2), ())
    sender.send(A, [small, small], lambda error, offset, _, count: told.append((error, offset, count)))
    sender.send(A, [large, large, small], lambda error, offset, _, count: told.append((error, offset, count)))
    assert len(sender) == 5
    await until(lambda: len(told) == 3)
    assert told == [(None, 0, 2), (None, 2, 1), (None, 3, 2)]
    assert cluster.log[A] == [b"a", b"a", b"b", b"b", b"a"]
    sender.refuse("purged")
    sender.send(A, [small, small], lambda error, offset, _, count: told.append((error, offset, count)))
    assert len(told) == 3
    await until(lambda: len(told) == 4)
    assert told[-1] == ("purged", -1, 2)


async def test_each_broker_gets_what_it_leads_and_waits_for_no_other() -> None:
    cluster, told = FakeCluster(), Told()
    cluster.leaders[B] = 2
    sender = Sender(cluster, LONG_S, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    sender.send(B, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: len(told.offsets) == 2)
    assert sorted(node for node, _ in cluster.requests) == [1, 2]


async def test_a_batch_that_another_broker_leads_now_follows_it() -> None:
    cluster, told = FakeCluster(lambda: NOT_LEADER if cluster.leaders[A] == 1 else ""), Told()
    sender = Sender(cluster, LONG_S, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: len(cluster.requests) > 1)
    cluster.leaders[A] = 2
    await until(lambda: bool(told.offsets))
    assert cluster.requests[-1] == (2, {A: [b"a"]})


async def test_a_partition_without_a_leader_keeps_no_other_waiting() -> None:
    cluster, told = FakeCluster(), Told()
    cluster.leaders[A] = None
    sender = Sender(cluster, LONG_S, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    sender.send(B, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: b"b" in told.offsets)
    cluster.leaders[A] = 1
    await until(lambda: b"a" in told.offsets)


async def test_what_stands_in_the_log_is_told_once_and_as_it_stands_there() -> None:
    faults = iter(["", "answer", "", TOO_LARGE, ""])
    cluster, told, appended = FakeCluster(lambda: next(faults)), Told(), list[tuple[Place, list[Read]]]()
    sender = Sender(cluster, LONG_S, yes, lambda *it: appended.append((it[0], it[1].as_read(it[0], it[2]))))
    for key in (b"a", b"b", b"refused", b"c"):
        sender.send(A, [(key, b"value", (("n", b"1"),))], told.of(key))
        await until(lambda key=key: key in told.offsets or key in told.errors)  # type: ignore[misc]  # of this round
    assert [[(it.offset, it.key, it.value, it.headers) for it in records] for place, records in appended] == [
        [(0, b"a", b"value", [("n", b"1")])],
        [(1, b"b", b"value", [("n", b"1")])],
        [(2, b"c", b"value", [("n", b"1")])],
    ]
    assert {place for place, _ in appended} == {A}


FAULTS = st.sampled_from(["", "", "request", "answer", NOT_LEADER])
PLACES = st.sampled_from([A, B, ("payments", 0)])


@given(sends=st.lists(st.tuples(PLACES, st.integers(0, 3)), max_size=40), faults=st.lists(FAULTS, max_size=30))
async def test_each_record_stands_in_the_log_once_and_in_order(
    sends: list[tuple[Place, int]], faults: list[str | int]
) -> None:
    module.RETRY_S = 0.0  # type: ignore[misc]  # hypothesis runs many examples within one fixture
    left = iter(faults)
    cluster, told = FakeCluster(lambda: next(left, "")), Told()
    cluster.leaders["payments", 0] = 2
    sender = Sender(cluster, LONG_S, yes)
    expected: defaultdict[Place, list[bytes]] = defaultdict(list)
    for number, (place, turns) in enumerate(sends):
        key = str(number).encode()
        expected[place].append(key)
        sender.send(place, [(key, b"value", ())], told.of(key))
        for _ in range(turns):
            await asyncio.sleep(0)
    await until(lambda: len(told.offsets) == len(sends))
    assert dict(cluster.log) == dict(expected)
    assert told.offsets == {key: offset for keys in expected.values() for offset, key in enumerate(keys)}
    assert cluster.ids == bool(sends)


async def test_what_is_old_waits_for_the_word_that_it_may_be_sent() -> None:
    cluster, told, asked, allow = FakeCluster(), Told(), list[float](), asyncio.Event()

    async def ours(waited_s: float) -> str | None:
        asked.append(waited_s)
        await allow.wait()
        return None

    sender = Sender(cluster, 0.02, ours)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.offsets))
    cluster.down = True
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: sender.asking)
    cluster.down = False
    sender.send(A, [(b"c", b"", ())], told.of(b"c"))
    requests = len(cluster.requests)
    await asyncio.sleep(0.05)
    assert len(cluster.requests) == requests, "nothing is sent while it asks"
    allow.set()
    await until(lambda: len(told.offsets) == 3)
    assert cluster.log[A] == [b"a", b"b", b"c"]
    assert asked[0] > 0.02
    assert not sender.asking


async def test_what_was_sent_and_not_answered_is_known_after_an_outage() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, 0.02, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.offsets))
    cluster.fault = lambda: "answer"
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: len(cluster.log[A]) == 2)
    cluster.down, cluster.fault = True, lambda: ""
    await asyncio.sleep(0.05)
    cluster.down = False
    await until(lambda: len(told.offsets) == 2)
    assert cluster.log[A] == [b"a", b"b"]


async def test_what_must_not_be_sent_any_more_is_not() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, 0.02, no)
    cluster.down = True
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.errors))
    cluster.down = False
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: bool(told.offsets))
    assert cluster.log[A] == [b"b"]
    assert told.errors == {b"a": "not ours"}


async def test_a_broker_that_answers_nothing_is_given_up_in_time() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, 0.02, no)
    cluster.fault = lambda: "hang"
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.errors))
    cluster.fault = lambda: ""
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: bool(told.offsets))
    assert cluster.ids == 2, "the sequence of what got no answer is not known any more"


async def test_a_batch_that_is_refused_fails_alone_and_the_next_one_is_taken() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.offsets))
    cluster.fault = lambda: TOO_LARGE
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: bool(told.errors))
    cluster.fault = lambda: ""
    sender.send(A, [(b"c", b"", ())], told.of(b"c"))
    await until(lambda: len(told.offsets) == 2)
    assert cluster.log[A] == [b"a", b"c"]
    assert told.errors == {b"b": "MessageSizeTooLargeError"}


async def test_a_new_id_waits_for_what_is_under_way_elsewhere_and_sends_the_rest_under_it() -> None:
    cluster, told = FakeCluster(), Told()
    cluster.leaders[B] = 2
    sender = Sender(cluster, LONG_S, yes)
    answers = iter([OUT_OF_ORDER, "answer"])
    cluster.fault = lambda: next(answers, "")
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    sender.send(B, [(b"b", b"", ())], told.of(b"b"))
    await until(lambda: b"b" in told.offsets and b"a" in told.errors)
    assert cluster.ids == 2
    assert cluster.log[B] == [b"b", b"b"], "under a new id a broker does not know what it has: it may come twice"


async def test_purged_means_nothing_more_is_sent() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    cluster.fault = lambda: "hang"
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(cluster.requests))
    sender.send(A, [(b"b", b"", ())], told.of(b"b"))
    sender.refuse("purged")
    assert told.errors == {b"a": "purged", b"b": "purged"}
    sender.send(A, [(b"c", b"", ())], told.of(b"c"))
    await until(lambda: len(told.errors) == 3)
    assert len(cluster.requests) == 1


async def test_brokers_are_away_when_nothing_succeeds_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AWAY_AFTER_S", 0.01)
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    cluster.down = True
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: sender.away)
    cluster.down = False
    await until(lambda: not sender.away)
    assert b"a" in told.offsets


async def test_a_fault_of_our_own_fails_what_waits_loudly(caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> str:
        raise ZeroDivisionError

    cluster, told = FakeCluster(broken), Told()
    sender = Sender(cluster, LONG_S, yes)
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(told.errors))
    assert "ZeroDivisionError" in told.errors[b"a"]
    assert "sending failed" in caplog.text


async def test_close_lets_go_of_the_brokers_and_tells_nobody() -> None:
    cluster, told = FakeCluster(), Told()
    sender = Sender(cluster, LONG_S, yes)
    cluster.fault = lambda: "hang"
    sender.send(A, [(b"a", b"", ())], told.of(b"a"))
    await until(lambda: bool(cluster.requests))
    await sender.close()
    await asyncio.sleep(0)
    assert cluster.closed
    assert not told.errors


def told_nothing(_error: str | None, _offset: int, _time_ms: int, _count: int) -> None:
    """For who does not look."""


def test_a_batch_ends_where_a_broker_would_refuse_it_but_takes_one_record_of_any_size() -> None:
    batch = Batch(0.0)
    assert batch.add([(b"a", b"x" * 2 * BATCH_BYTES, ())], told_nothing)
    assert not batch.add([(b"b", b"", ())], told_nothing)
    small = Batch(0.0)
    while small.add([(b"a", b"x" * 1000, ())], told_nothing):
        pass
    assert 900_000 < len(small.sealed(ProducerId(1, 0), 0)) <= BATCH_BYTES


def test_a_sealed_batch_stays_as_it_is_and_gets_a_new_sequence_under_a_new_id_only() -> None:
    batch = Batch(0.0)
    batch.add([(b"a", b"", [("header", b"value")])], told_nothing)
    first = bytes(batch.sealed(ProducerId(1, 0), 7))
    assert bytes(batch.sealed(ProducerId(1, 0), 8)) == first
    assert batch.next_sequence == 8
    assert not batch.add([(b"b", b"", ())], told_nothing)
    batch.unseal()
    assert not batch.add([(b"b", b"", ())], told_nothing)
    again = bytes(batch.sealed(ProducerId(2, 0), 0))
    assert len(again) == len(first)
    assert batch.next_sequence == 1


def test_sequences_begin_anew_after_the_largest() -> None:
    batch = Batch(0.0)
    for _ in range(3):
        batch.add([(b"a", b"", ())], told_nothing)
    batch.sealed(ProducerId(1, 0), 2**31 - 2)
    assert batch.next_sequence == 1


PARTITIONS = st.dictionaries(
    st.tuples(st.text(max_size=20), st.integers(0, 2**31 - 1)),
    st.tuples(st.integers(-1, 100), st.integers(-1, 2**63 - 1), st.integers(-1, 2**63 - 1)),
)


@given(answers=PARTITIONS)
def test_an_answer_is_read_as_aiokafka_writes_it(answers: dict[Place, tuple[int, int, int]]) -> None:
    topics: defaultdict[str, list[tuple[int, ...]]] = defaultdict(list)
    for (topic, partition), told in answers.items():
        topics[topic].append((partition, *told, 0))
    content = b"head" + ProduceResponse_v7(list(topics.items()), 0).encode()
    read = BytesIO(content)
    read.seek(4)
    assert Answer.decode(read).appended == {place: Appended(*told) for place, told in answers.items()}
