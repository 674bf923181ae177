"""Accounting of slices, and the order of records over an outage: a real broker does not fail at these points."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from confluent_kafka import KafkaError

from app.delivery.contract import DeliveryFailed
from app.delivery.sink import Sink, Slice
from app.delivery.stats import Stats

TIMED_OUT = KafkaError(KafkaError._MSG_TIMED_OUT)
TOO_LARGE = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)


class FakeProducer:
    """Keeps what it is given until the test says what became of it."""

    def __init__(self) -> None:
        self.queue: list[tuple[bytes, Callable[[KafkaError | None, Any], None]]] = []
        self.log: list[bytes] = []

    def send(self, topic: str, key: bytes, value: bytes | None, on_delivery: Any, *_: Any) -> None:
        self.queue.append((key, on_delivery))

    def report(self, error: KafkaError | None, which: int = 0) -> None:
        key, on_delivery = self.queue.pop(which)
        if error is None:
            self.log.append(key)
        on_delivery(error, None)

    def purge(self, *, in_flight: bool) -> None:
        for _ in range(len(self.queue)):
            self.report(KafkaError(KafkaError._PURGE_QUEUE))

    def poll(self) -> None:
        pass


async def yes() -> bool:
    return True


async def no() -> bool:
    return False


async def never() -> bool:
    await asyncio.Event().wait()
    return True


@pytest.fixture
def producer() -> FakeProducer:
    return FakeProducer()


def make(producer: FakeProducer, is_member: Callable[[], Awaitable[bool]] = yes, timeout_s: float = 5.0) -> Sink:
    return Sink(producer, Stats(), is_member, timeout_s)  # type: ignore[arg-type]


def written(sink: Sink, *keys: bytes) -> Slice:
    out = sink.begin()
    for key in keys:
        out.send("orders", key, b"")
    return out


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_slice_is_done_when_its_last_record_is(producer: FakeProducer) -> None:
    sink = make(producer)
    done = written(sink, b"a", b"b").done()
    producer.report(None)
    assert not done.done()
    assert sink.open == 1
    producer.report(None)
    await done
    assert sink.open == 0


async def test_a_slice_whose_records_were_quicker_than_its_end_waits_for_its_end(producer: FakeProducer) -> None:
    sink = make(producer)
    out = written(sink, b"a")
    producer.report(None)
    assert sink.open == 1
    await out.done()


async def test_an_empty_slice_is_done_at_once(producer: FakeProducer) -> None:
    await make(producer).begin().done()


async def test_a_record_that_is_refused_fails_its_slice_only(producer: FakeProducer) -> None:
    sink = make(producer)
    bad, good = written(sink, b"a").done(), written(sink, b"b").done()
    producer.report(TOO_LARGE)
    producer.report(None)
    with pytest.raises(DeliveryFailed):
        await bad
    await good


async def test_what_an_outage_held_up_is_sent_again_in_order(producer: FakeProducer) -> None:
    sink = make(producer)
    done = [written(sink, b"a", b"b", b"c").done(), written(sink, b"d").done()]
    producer.report(None)  # a was acknowledged
    producer.report(TIMED_OUT, which=1)  # c first: reports of several partitions come in any order
    done.append(written(sink, b"e").done())  # comes while the broker is away, and waits behind
    await turns()
    assert [key for key, _ in producer.queue] == [b"b", b"c", b"d", b"e"]
    while producer.queue:
        producer.report(None)
    await asyncio.gather(*done)
    assert producer.log == [b"a", b"b", b"c", b"d", b"e"]


async def test_a_worker_the_group_gave_up_sends_nothing_again(producer: FakeProducer) -> None:
    sink = make(producer, no)
    done = written(sink, b"a").done()
    producer.report(TIMED_OUT)
    with pytest.raises(DeliveryFailed, match="without this worker"):
        await done
    assert producer.queue == []


async def test_an_outage_is_not_waited_for_for_ever(producer: FakeProducer) -> None:
    sink = make(producer, never, timeout_s=0.02)
    done = written(sink, b"a").done()
    producer.report(TIMED_OUT)
    with pytest.raises(DeliveryFailed, match="away"):
        await done


async def test_purge_fails_what_is_under_way_and_what_is_held(producer: FakeProducer) -> None:
    sink = make(producer, never)
    held = written(sink, b"a").done()
    producer.report(TIMED_OUT)
    await turns()
    sink.purge()
    under_way = written(sink, b"b").done()
    sink.purge()
    for failed in (held, under_way):
        with pytest.raises(DeliveryFailed):
            await failed
    assert sink.open == 0
