"""What the reader reads of a real broker: from where it is told, no more while it is paused, and all of it."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Producer
from faust.types import TP
from harness import Broker

from app.delivery.reader import Reader
from app.delivery.security import OPEN

COUNT = 100
DEADLINE_S = 20.0
QUIET_S = 1.0
"""Nothing comes in such a time, in which all of it would come."""


@pytest.fixture
async def reader(broker: Broker) -> AsyncIterator[Reader]:
    made = Reader(broker.bootstrap, OPEN, most=30)
    yield made
    made.close()


@pytest.fixture
def tp(broker: Broker, app_id: str) -> TP:
    broker.create(app_id)
    producer = Producer({"bootstrap.servers": broker.bootstrap})
    for number in range(COUNT):
        producer.produce(app_id, b"%d" % number, b"key", 0, headers={"n": b"%d" % number})
    assert producer.flush(DEADLINE_S) == 0
    return TP(app_id, 0)


async def until(reader: Reader, tp: TP, last: int) -> list[int]:
    """The offsets that are read until the one that is wanted."""
    offsets: list[int] = []
    async with asyncio.timeout(DEADLINE_S):
        while not offsets or offsets[-1] < last:
            for where, records in (await reader.read(0.1)).items():
                assert where == tp
                assert len(records) <= 30
                offsets += [record.offset for record in records]
    return offsets


async def nothing_comes(reader: Reader) -> bool:
    end_s = asyncio.get_running_loop().time() + QUIET_S
    while asyncio.get_running_loop().time() < end_s:
        if await reader.read(0.1):
            return False
    return True


async def test_it_reads_all_from_where_it_is_told(reader: Reader, tp: TP) -> None:
    reader.assign({tp: 7})
    async with asyncio.timeout(DEADLINE_S):
        while not (found := await reader.read(0.1)):
            pass
    first = found[tp][0]
    assert (first.topic, first.partition, first.offset) == (tp.topic, 0, 7)
    assert (first.key, first.value, first.headers) == (b"key", b"7", [("n", b"7")])
    assert first.timestamp > 1_700_000_000_000
    last = found[tp][-1].offset
    assert await until(reader, tp, COUNT - 1) == list(range(last + 1, COUNT))


async def test_it_reads_again_when_it_is_told_so(reader: Reader, tp: TP) -> None:
    reader.assign({tp: 0})
    await until(reader, tp, 40)
    reader.assign({tp: 10})
    again = await until(reader, tp, COUNT - 1)
    assert again == list(range(10, COUNT))


async def test_what_is_paused_waits_and_then_goes_on_where_it_was(reader: Reader, tp: TP) -> None:
    reader.assign({tp: 0})
    read = await until(reader, tp, 20)
    reader.pause([tp])
    assert await nothing_comes(reader)
    reader.resume([tp])
    assert read + await until(reader, tp, COUNT - 1) == list(range(COUNT))


async def test_it_reads_nothing_of_what_it_is_assigned_no_more(reader: Reader, tp: TP) -> None:
    reader.assign({tp: 0})
    await until(reader, tp, 20)
    reader.assign({})
    assert await nothing_comes(reader)
    reader.close()
    reader.assign({tp: 0})
