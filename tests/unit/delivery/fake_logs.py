"""A broker that answers fetches as Kafka does: whole batches, of what a session was told of, and nothing twice."""

from __future__ import annotations

import asyncio
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Final

from aiokafka.errors import KafkaConnectionError  # type: ignore[import-untyped]  # has no types
from aiokafka.protocol.fetch import FetchRequest_v11, FetchResponse_v11  # type: ignore[import-untyped]
from aiokafka.record.default_records import DefaultRecordBatchBuilder  # type: ignore[import-untyped]

from app.delivery.cluster import Cluster
from app.delivery.fetch import FetchAnswer, FetchRequest
from app.delivery.produce import Place

OUT_OF_RANGE: Final = 1
NOT_LEADER: Final = 6
NO_SUCH_SESSION: Final = 70
WRONG_EPOCH: Final = 71


def batch_of(offset: int, keys: Sequence[bytes], *, is_control: bool = False) -> bytes:
    """A batch as it lies in the log."""
    builder = DefaultRecordBatchBuilder(2, 0, 0, -1, -1, -1, 1_000_000)
    for number, key in enumerate(keys):
        builder.append(number, 1_700_000_000_000, key, b"value", [("n", b"1")])
    content = bytearray(builder.build())
    struct.pack_into(">q", content, 0, offset)
    if is_control:
        from aiokafka.record.util import calc_crc32c  # type: ignore[import-untyped]

        struct.pack_into(">h", content, 21, 0x20)
        struct.pack_into(">I", content, 17, calc_crc32c(bytes(content[21:])))
    return bytes(content)


class FakeLogs(Cluster):
    """`fault` is asked at each fetch, and says what goes wrong with it.

    "" nothing; "broken" no answer comes; "lost" the session is not known any more; "corrupt" each batch has a wrong
    bit; a number is the code for each partition that is asked for.
    """

    def __init__(self, fault: Callable[[], str | int] = lambda: "") -> None:
        self.logs: defaultdict[Place, list[tuple[int, int, bytes]]] = defaultdict(list)
        self.leaders: defaultdict[Place, int | None] = defaultdict(lambda: 1)
        self.begins: dict[Place, int] = {}
        self.fault = fault
        self.asked: list[tuple[int, set[Place], set[Place]]] = []
        self.sessions = 0
        self.known = False
        self._session: dict[int, tuple[int, int, dict[Place, int]]] = {}
        self._more = asyncio.Event()

    def append(self, place: Place, *keys: bytes, is_control: bool = False) -> None:
        offset = self.end(place)
        content = batch_of(offset, keys, is_control=is_control)
        self.logs[place].append((offset, offset + len(keys), content))
        self._more.set()

    def end(self, place: Place) -> int:
        return self.logs[place][-1][1] if self.logs[place] else 0

    def leader(self, place: Place) -> int | None:
        return self.leaders[place] if self.known else None

    async def learn(self) -> None:
        self.known = True

    async def earliest(self, place: Place) -> int:
        return self.begins[place]

    def hang_up(self, node: int) -> None:
        self._session.pop(node, None)

    async def close(self) -> None:
        self.known = False

    async def fetch(self, node: int, request: FetchRequest) -> FetchAnswer:
        fault = self.fault()
        if fault == "broken":
            raise KafkaConnectionError
        read = FetchRequest_v11.decode(BytesIO(request.encode()))
        new = {(topic, it[0]): it[2] for topic, partitions in read.topics for it in partitions}
        gone = {(topic, number) for topic, numbers in read.forgotten_topics_data for number in numbers}
        self.asked.append((node, set(new), gone))
        offsets = self._offsets(node, read.session_id, read.session_epoch, new, gone)
        if offsets is None or fault == "lost":
            self._session.pop(node, None)
            return _answer(NO_SUCH_SESSION, 0, {})
        if isinstance(fault, int):
            return _answer(0, self._session[node][0], dict.fromkeys(offsets, (fault, b"")))
        found = self._found(node, offsets)
        if not found:
            self._more.clear()
            try:
                async with asyncio.timeout(0.02):
                    await self._more.wait()
            except TimeoutError:
                pass
            found = self._found(node, offsets)
        if fault == "corrupt":
            found = {place: (error, content[:-1] + b"?") for place, (error, content) in found.items()}
        return _answer(0, self._session[node][0], found)

    def _offsets(
        self, node: int, session: int, epoch: int, new: dict[Place, int], gone: set[Place]
    ) -> dict[Place, int] | None:
        if session == 0:
            self.sessions += 1
            self._session[node] = self.sessions, 1, dict(new)
            return self._session[node][2]
        known = self._session.get(node)
        if known is None or known[:2] != (session, epoch):
            return None
        offsets = {place: offset for place, offset in known[2].items() if place not in gone} | new
        self._session[node] = session, epoch + 1, offsets
        return offsets

    def _found(self, node: int, offsets: dict[Place, int]) -> dict[Place, tuple[int, bytes]]:
        found: dict[Place, tuple[int, bytes]] = {}
        for place, offset in offsets.items():
            if self.leaders[place] != node:
                found[place] = NOT_LEADER, b""
            elif offset < self.begins.get(place, 0):
                found[place] = OUT_OF_RANGE, b""
            else:
                batches = [content for _, end, content in self.logs[place] if end > offset][:2]
                if batches:
                    cut = batches[-1] if len(batches) == 1 else batches[-1][: len(batches[-1]) // 2]
                    found[place] = 0, b"".join([*batches[:-1], cut])
        return found


def _answer(error: int, session: int, found: dict[Place, tuple[int, bytes]]) -> FetchAnswer:
    topics: defaultdict[str, list[tuple[object, ...]]] = defaultdict(list)
    for (topic, partition), (failed, content) in found.items():
        topics[topic].append((partition, failed, 9, 9, 0, [(1, 2)], -1, content))
    return FetchAnswer.decode(BytesIO(FetchResponse_v11(0, error, session, list(topics.items())).encode()))
