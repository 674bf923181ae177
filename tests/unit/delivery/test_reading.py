"""Each record once and in order, whatever a broker answers; nothing of what was given up or paused."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import AsyncIterator

import pytest
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]
from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]
from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st

from app.delivery import reader as module
from app.delivery.batch import Batch
from app.delivery.produce import Appended, Place
from app.delivery.read import Read, batches_in
from app.delivery.reader import Reader, rest_after
from tests.unit.delivery.fake_logs import NOT_LEADER, FakeLogs, batch_of

A: Place = ("orders", 0)
B: Place = ("orders", 1)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    monkeypatch.setattr(module, "BETWEEN_S", 0.0)


@pytest.fixture
def logs() -> FakeLogs:
    return FakeLogs()


@pytest.fixture
async def reader(logs: FakeLogs) -> AsyncIterator[Reader]:
    made = Reader(logs, 5.0)
    yield made
    await made.close()


async def take(reader: Reader, count: int) -> dict[Place, list[bytes | None]]:
    """The keys of so many records."""
    found: defaultdict[Place, list[bytes | None]] = defaultdict(list)
    async with asyncio.timeout(5):
        while sum(map(len, found.values())) < count:
            for tp, records in (await reader.read(0.1)).items():
                assert records
                found[tp.topic, tp.partition] += [record.key for record in records]
    return dict(found)


def keys(*numbers: int) -> list[bytes]:
    return [b"%d" % number for number in numbers]


async def test_it_reads_each_partition_from_where_it_is_told(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, *keys(0, 1, 2))
    logs.append(A, *keys(3, 4))
    logs.append(B, *keys(5))
    reader.assign({TP(*A): 1, TP(*B): 0})
    assert await take(reader, 5) == {A: keys(1, 2, 3, 4), B: keys(5)}


async def test_a_record_is_all_that_was_written(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"first", b"second")
    reader.assign({TP(*A): 1})
    while not (found := await reader.read(0.1)):
        pass
    assert found == {TP(*A): [Read("orders", 0, 1, 1_700_000_000_000, b"second", b"value", [("n", b"1")])]}


async def test_a_broker_is_told_only_what_is_new(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    reader.assign({TP(*A): 0, TP(*B): 0})
    await take(reader, 1)
    logs.append(A, b"b")
    await take(reader, 1)
    first, *later = logs.asked
    assert first == (1, {A, B}, set())
    assert all(B not in new and not gone for _, new, gone in later)
    assert logs.sessions == 1


async def test_what_is_paused_is_forgotten_and_then_goes_on(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    reader.assign({TP(*A): 0, TP(*B): 0})
    await take(reader, 1)
    reader.pause([TP(*A)])
    while not any(A in gone for _, _, gone in logs.asked):
        await asyncio.sleep(0)
    logs.append(A, b"b")
    logs.append(B, b"c")
    assert await take(reader, 1) == {B: [b"c"]}
    reader.resume([TP(*A)])
    assert await take(reader, 1) == {A: [b"b"]}


async def test_when_all_is_paused_nobody_is_asked(logs: FakeLogs, reader: Reader) -> None:
    reader.assign({TP(*A): 0})
    while not logs.asked:
        await asyncio.sleep(0)
    reader.pause([TP(*A)])
    await asyncio.sleep(0.05)
    asked = len(logs.asked)
    logs.append(A, b"a")
    assert await reader.read(0.05) == {}
    assert len(logs.asked) == asked
    reader.resume([TP(*A)])
    assert await take(reader, 1) == {A: [b"a"]}


async def test_it_goes_on_with_whoever_leads_now(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    reader.assign({TP(*A): 0, TP(*B): 0})
    await take(reader, 1)
    logs.leaders[A] = 2
    logs.append(A, b"b")
    logs.append(B, b"c")
    assert await take(reader, 2) == {A: [b"b"], B: [b"c"]}
    assert logs.asked[-1][0] in {1, 2}


async def test_it_waits_for_a_leader_and_keeps_no_other_waiting(logs: FakeLogs, reader: Reader) -> None:
    logs.leaders[A] = None
    logs.append(A, b"a")
    logs.append(B, b"b")
    reader.assign({TP(*A): 0, TP(*B): 0})
    assert await take(reader, 1) == {B: [b"b"]}
    logs.leaders[A] = 1
    assert await take(reader, 1) == {A: [b"a"]}


async def test_where_the_log_was_cut_it_goes_on_at_its_beginning(
    logs: FakeLogs, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    logs.append(A, *keys(0, 1))
    logs.append(A, *keys(2))
    logs.begins[A] = 2
    reader.assign({TP(*A): 0})
    assert await take(reader, 1) == {A: keys(2)}
    assert "orders-0 has no offset 0 any more: reading on at 2" in caplog.text


async def test_what_is_damaged_is_read_again_and_never_skipped(
    logs: FakeLogs, reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    faults = iter(["corrupt", "corrupt"])
    logs.fault = lambda: next(faults, "")
    logs.append(A, b"a")
    reader.assign({TP(*A): 0})
    assert await take(reader, 1) == {A: [b"a"]}
    assert "reading again" in caplog.text


async def test_marks_of_transactions_are_no_records(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    logs.append(A, b"mark", is_control=True)
    logs.append(A, b"b")
    reader.assign({TP(*A): 0})
    assert await take(reader, 2) == {A: [b"a", b"b"]}


async def test_what_it_is_assigned_no_more_does_not_come(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    reader.assign({TP(*A): 0})
    while not logs.asked:
        await asyncio.sleep(0)
    reader.assign({TP(*B): 0})
    logs.append(B, b"b")
    assert await take(reader, 1) == {B: [b"b"]}


async def test_it_reads_nothing_once_it_is_closed(logs: FakeLogs, reader: Reader) -> None:
    logs.append(A, b"a")
    await reader.close()
    reader.assign({TP(*A): 0})
    assert await reader.read(0.05) == {}


async def test_a_broker_that_answers_nothing_is_asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    class Silent(FakeLogs):
        async def fetch(self, node, request):  # type: ignore[no-untyped-def]  # as the other
            if self.fault() == "silent":
                await asyncio.Event().wait()
            return await super().fetch(node, request)

    faults = iter(["silent"])
    silent = Silent(lambda: next(faults, ""))
    silent.append(A, b"a")
    monkeypatch.setattr(module, "WAIT_S", 0.0)
    reader = Reader(silent, 0.05)
    reader.assign({TP(*A): 0})
    assert await take(reader, 1) == {A: [b"a"]}
    await reader.close()


async def test_a_fault_of_our_own_is_told_to_who_reads(logs: FakeLogs, reader: Reader) -> None:
    def broken() -> str:
        raise ZeroDivisionError

    logs.fault = broken
    reader.assign({TP(*A): 0})
    with pytest.raises(ZeroDivisionError):
        await take(reader, 1)


async def test_a_fault_of_our_own_beside_the_fetches_is_told_too(
    logs: FakeLogs, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(logs, "learn", broken)
    reader.assign({TP(*A): 0})
    with pytest.raises(ZeroDivisionError):
        await take(reader, 1)


def sent(logs: FakeLogs, place: Place, *numbers: bytes) -> tuple[Place, Batch, Appended]:
    """Append a batch as this worker's sender does; what it then tells."""
    offset, batch = logs.end(place), Batch(0.0)
    for key in numbers:
        assert batch.add([(key, b"value", (("n", b"1"),))], lambda *_: None)
    logs.append(place, *numbers)
    return place, batch, Appended(0, offset, 1_700_000_000_000)


async def asked(logs: FakeLogs) -> None:
    """Until the reader knows who leads what."""
    async with asyncio.timeout(5):
        while not logs.asked:
            await asyncio.sleep(0)


async def test_what_this_worker_writes_it_has_before_a_broker_is_asked(logs: FakeLogs, reader: Reader) -> None:
    reader.assign({TP(*A): 0})
    await asked(logs)
    before = len(logs.asked)
    reader.offer(*sent(logs, A, b"a"))
    reader.offer(*sent(logs, A, b"b"))
    assert await reader.read(0.0) == {
        TP(*A): [
            Read("orders", 0, offset, 1_700_000_000_000, key, b"value", [("n", b"1")])
            for offset, key in enumerate([b"a", b"b"])
        ]
    }
    assert len(logs.asked) == before
    logs.append(A, b"c")
    assert await take(reader, 1) == {A: [b"c"]}


async def test_what_others_have_written_comes_before_what_this_worker_writes(logs: FakeLogs, reader: Reader) -> None:
    reader.assign({TP(*A): 0})
    await asked(logs)
    logs.append(A, b"theirs")
    reader.offer(*sent(logs, A, b"ours"))
    assert await take(reader, 2) == {A: [b"theirs", b"ours"]}


async def test_what_is_offered_of_a_partition_that_is_not_read_is_left(logs: FakeLogs, reader: Reader) -> None:
    reader.assign({TP(*A): 0})
    await asked(logs)
    reader.pause([TP(*A)])
    reader.offer(*sent(logs, A, b"a"))
    reader.offer(*sent(logs, B, b"b"))
    assert await reader.read(0.0) == {}
    reader.resume([TP(*A)])
    assert await take(reader, 1) == {A: [b"a"]}


def test_a_broker_that_tells_nothing_new_is_asked_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BETWEEN_S", 1.0)
    monkeypatch.setattr(module, "QUIET_S", 6.0)
    rests = [1.0]
    for is_news in (False, False, False, False, True, False):
        rests.append(rest_after(rests[-1], is_news=is_news))
    assert rests == [1, 2, 4, 6, 6, 1, 2]


FAULTS = st.sampled_from(["", "", "", "broken", "lost", "corrupt", NOT_LEADER])
PLACES = st.sampled_from([A, B, ("payments", 0)])


@given(
    appended=st.lists(st.tuples(PLACES, st.integers(1, 3), st.integers(0, 3), st.booleans()), max_size=20),
    faults=st.lists(FAULTS, max_size=20),
)
async def test_each_record_comes_once_and_in_order(
    appended: list[tuple[Place, int, int, bool]], faults: list[str | int]
) -> None:
    left = iter(faults)
    logs = FakeLogs(lambda: next(left, ""))
    logs.leaders["payments", 0] = 2
    reader = Reader(logs, 5.0)
    reader.assign({TP(*place): 0 for place in (A, B, ("payments", 0))})
    await asked(logs)
    expected: defaultdict[Place, list[bytes]] = defaultdict(list)
    for number, (place, count, turns, is_ours) in enumerate(appended):
        batch = [b"%d-%d" % (number, each) for each in range(count)]
        expected[place] += batch
        told = sent(logs, place, *batch)
        for _ in range(turns):
            await asyncio.sleep(0)
        if is_ours:
            reader.offer(*told)
    assert await take(reader, sum(map(len, expected.values()))) == dict(expected)
    await reader.close()


def foreign_batch(offset: int, headers: list[tuple[str, bytes | None]], compression: int) -> bytearray:
    """Two records of another program, of which the second has these headers."""
    builder = DefaultRecordBatchBuilder(2, compression, 0, -1, -1, -1, 1_000_000)
    builder.append(0, 1_700_000_000_000, b"first", b"value", [])
    builder.append(1, 1_700_000_000_000, b"second", b"value", headers)
    content = builder.build()
    struct.pack_into(">q", content, 0, offset)
    return content


@pytest.mark.parametrize("compression", [0, 1])
def test_a_header_without_a_value_is_an_empty_one(compression: int) -> None:
    content = bytes(foreign_batch(5, [("traceparent", None), ("n", b"1")], compression))
    [([first, second], end)] = batches_in(A, content, 5)
    assert (first.headers, list(second.headers), end) == ([], [("traceparent", b""), ("n", b"1")], 7)


def test_a_header_whose_name_is_no_text_hides_no_record() -> None:
    odd = foreign_batch(5, [("odd", b"1")], 0)
    odd[odd.index(b"odd")] = 0xFF
    struct.pack_into(">I", odd, 17, calc_crc32c(bytes(odd[21:])))
    content = batch_of(3, keys(3, 4)) + bytes(odd) + batch_of(7, keys(7))
    found = [record for records, _ in batches_in(A, content, 3) for record in records]
    assert [(it.offset, it.key) for it in found] == [(3, b"3"), (4, b"4"), (5, b"first"), (6, b"second"), (7, b"7")]
    assert found[3].headers == [("\N{REPLACEMENT CHARACTER}dd", b"1")]
    [([last], _)] = batches_in(A, bytes(odd), 6)
    assert last.offset == 6
