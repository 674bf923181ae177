"""What the reader reads of a real broker: from where it is told, no more while it is paused, and all of it."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from confluent_kafka import Producer
from faust.types import TP
from harness import Broker

from app.delivery.batch import Batch
from app.delivery.brokers import Brokers
from app.delivery.produce import Appended, Place
from app.delivery.read import Read
from app.delivery.reader import Reader
from app.delivery.security import OPEN
from app.delivery.sender import Sender

COUNT = 100
LARGE = os.urandom(20_000)
"""So large a record that one answer holds a few of them only."""
DEADLINE_S = 20.0
QUIET_S = 1.0
"""Nothing comes in such a time, in which all of it would come."""


@pytest.fixture
async def reader(broker: Broker, app_id: str) -> AsyncIterator[Reader]:
    made = Reader(Brokers(broker.bootstrap, OPEN, [app_id], 5.0), 5.0)
    yield made
    await made.close()


@pytest.fixture
def tp(broker: Broker, app_id: str) -> TP:
    broker.create(app_id)
    told = {"bootstrap.servers": broker.bootstrap, "batch.size": len(LARGE), "enable.idempotence": True}
    producer = Producer(told)  # idempotent, so that a broker that has just made the topic gets them in order
    for number in range(COUNT):
        producer.produce(app_id, LARGE, b"%d" % number, 0, headers={"n": b"%d" % number})
    assert producer.flush(DEADLINE_S) == 0
    return TP(app_id, 0)


async def never(_waited_s: float) -> str | None:
    return "it takes too long"


async def records_of(reader: Reader, tp: TP, count: int) -> list[Read]:
    """So many records of the partition."""
    records: list[Read] = []
    async with asyncio.timeout(DEADLINE_S):
        while len(records) < count:
            records += (await reader.read(0.1)).get(tp, [])
    return records


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
    assert (first.key, first.value, first.headers) == (b"7", LARGE, [("n", b"7")])
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
    while more := await reader.read(QUIET_S):  # what was under way
        read += [record.offset for record in more[tp]]
    assert len(read) < COUNT
    assert await nothing_comes(reader)
    reader.resume([tp])
    assert read + await until(reader, tp, COUNT - 1) == list(range(COUNT))


async def test_it_reads_nothing_of_what_it_is_assigned_no_more(reader: Reader, tp: TP) -> None:
    reader.assign({tp: 0})
    await until(reader, tp, 20)
    reader.assign({})
    assert await nothing_comes(reader)
    await reader.close()
    reader.assign({tp: 0})


@pytest.mark.parametrize("time_of", ["LogAppendTime", "CreateTime"])
async def test_what_it_is_offered_is_what_the_broker_has(
    broker: Broker, reader: Reader, app_id: str, time_of: str
) -> None:
    broker.create(app_id, config={"message.timestamp.type": time_of})
    offered: list[Read] = []

    def appended(place: Place, batch: Batch, where: Appended) -> None:
        offered.extend(batch.as_read(place, where))
        reader.offer(place, batch, where)

    sender = Sender(Brokers(broker.bootstrap, OPEN, [app_id], 5.0), 5.0, never, appended)
    reader.assign({TP(app_id, 0): 0})
    for number in range(COUNT):
        sender.send((app_id, 0), [(b"%d" % number, b"value", (("n", b"1"),) if number % 2 else ())], lambda *_: None)
        await asyncio.sleep(0.001 * (number % 4))
    came = await records_of(reader, TP(app_id, 0), COUNT)
    assert came == offered
    reader.assign({TP(app_id, 0): 0})
    assert await records_of(reader, TP(app_id, 0), COUNT) == offered
    await sender.close()


@pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
async def test_it_reads_what_others_have_compressed(
    broker: Broker, reader: Reader, app_id: str, compression: str
) -> None:
    broker.create(app_id)
    producer = Producer({"bootstrap.servers": broker.bootstrap, "compression.type": compression})
    producer.produce(app_id, b"value" * 100, b"key", 0)
    assert producer.flush(DEADLINE_S) == 0
    reader.assign({TP(app_id, 0): 0})
    async with asyncio.timeout(DEADLINE_S):
        while not (found := await reader.read(0.1)):
            pass
    assert [record.value for record in found[TP(app_id, 0)]] == [b"value" * 100]
