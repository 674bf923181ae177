"""Two brokers that take batches as Kafka does: what came before is known by its sequence, a gap is refused."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from io import BytesIO
from typing import Any, Final

from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]  # has no types
from aiokafka.protocol.produce import ProduceRequest_v7  # type: ignore[import-untyped]
from aiokafka.record.memory_records import MemoryRecords  # type: ignore[import-untyped]

from app.delivery.batch import ProducerId
from app.delivery.cluster import Cluster
from app.delivery.produce import Appended, Place, ProduceRequest

OUT_OF_ORDER: Final = 45
NOT_LEADER: Final = 6
TOO_LARGE: Final = 10


class FakeCluster(Cluster):
    """`fault` is asked at each request, and says what goes wrong with it.

    "" nothing; "request" it does not arrive; "answer" it arrives, and its answer does not; "hang" no answer comes;
    a number is the code that is answered for each of its batches, of which nothing is appended then.
    """

    def __init__(self, fault: Callable[[], str | int] = lambda: "") -> None:
        self.log: defaultdict[Place, list[bytes]] = defaultdict(list)
        self.requests: list[tuple[int, dict[Place, list[bytes]]]] = []
        self.fault = fault
        self.leaders: defaultdict[Place, int | None] = defaultdict(lambda: 1)
        self.ids = 0
        self.down = False
        self.closed = False
        self.gate = asyncio.Event()
        self.gate.set()
        self._last: dict[tuple[int, Place], tuple[int, int, int]] = {}
        self._hung: defaultdict[int, list[asyncio.Future[None]]] = defaultdict(list)

    def leader(self, place: Place) -> int | None:
        return self.leaders[place] if self.ids else None

    async def learn(self) -> None:
        self._reach()

    async def new_id(self) -> ProducerId:
        self._reach()
        self.ids += 1
        return ProducerId(self.ids, 0)

    async def produce(self, node: int, request: ProduceRequest) -> dict[Place, Appended]:
        self._reach()
        fault = self.fault()
        batches = {place: _read(batch) for place, batch in _batches(request).items()}
        self.requests.append((node, {place: keys for place, (_, _, keys) in batches.items()}))
        await self.gate.wait()
        if fault == "request":
            raise KafkaConnectionError
        if fault == "hang":
            hung = asyncio.get_running_loop().create_future()
            self._hung[node].append(hung)
            await hung
        answer = {
            place: Appended(fault, -1, -1) if isinstance(fault, int) else self._append(place, *batch)
            for place, batch in batches.items()
        }
        await asyncio.sleep(0)
        if fault == "answer":
            raise KafkaConnectionError
        return answer

    def hang_up(self, node: int) -> None:
        for hung in self._hung.pop(node, []):
            if not hung.done():
                hung.set_exception(KafkaConnectionError())

    async def close(self) -> None:
        self.closed = True

    def _reach(self) -> None:
        if self.down:
            raise KafkaConnectionError

    def _append(self, place: Place, producer: int, sequence: int, keys: list[bytes]) -> Appended:
        first, count, offset = self._last.get((producer, place), (0, 0, 0))
        if (sequence, len(keys)) == (first, count):
            return Appended(0, offset, -1)
        if sequence != first + count:
            return Appended(OUT_OF_ORDER, -1, -1)
        offset = len(self.log[place])
        self._last[producer, place] = sequence, len(keys), offset
        self.log[place] += keys
        return Appended(0, offset, -1)


def _batches(request: ProduceRequest) -> dict[Place, bytes]:
    """What a broker reads of it, by aiokafka's own classes."""
    read = ProduceRequest_v7.decode(BytesIO(request.encode()))
    return {(topic, partition): batch for topic, batches in read.topics for partition, batch in batches}


def _read(content: bytes) -> tuple[int, int, list[bytes]]:
    """The producer, the sequence and the keys of a batch."""
    records: Any = MemoryRecords(content)
    batch = records.next_batch()
    assert not records.has_next()
    assert batch.validate_crc()
    return batch.producer_id, batch.base_sequence, [record.key for record in batch]
