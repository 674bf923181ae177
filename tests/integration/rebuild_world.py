"""A rebuild of a small shop's projection on a real MongoDB, which a test may hold up at any of its steps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import bson
from bson.codec_options import CodecOptions
from pymongo import monitoring

from app.adapters import mongo
from app.adapters.kafka_log import LogRecord, Span, Spans
from app.adapters.projection_writes import ProjectionWrites
from app.adapters.read_model import ORDERS
from app.adapters.rebuilding import Rebuilding
from app.projection.documents import PARTS, Part, documents
from app.projection.rebuild import Rebuild
from tests.unit.audit.history import History

NAMES = [part.collection for part in PARTS]


class World:
    """A shop with its log, a live worker that projects it, a reader, and a rebuild that can be held up anywhere."""

    def __init__(self, database: mongo.Database) -> None:
        self.database = database
        self.shop = History()
        self.shop.supply("tea", 1_000)
        self.projected: dict[str, int] = dict.fromkeys((part.topic for part in PARTS), 0)
        self.seen: dict[str, int] = {}
        self.orders = 0
        self.moments: list[str] = []
        self.at: Callable[[str], Awaitable[None]] = self.nothing

    async def nothing(self, moment: str) -> None:
        """Let the rebuild go on."""

    def order(self) -> None:
        """One more order, carried to its end: four facts of it, and some of its product."""
        self.orders += 1
        self.shop.place(f"o{self.orders}", tea=1)

    async def project(self) -> None:
        """Write what was told since, one fact after the other, as a live worker does."""
        for part in PARTS:
            log = self.shop.records[part.topic]
            while self.projected[part.topic] < len(log):
                await self.write(part, [log[self.projected[part.topic]]])
                self.projected[part.topic] += 1

    async def write(self, part: Part, facts: list[LogRecord]) -> None:
        """Write these facts as a live worker does."""
        await ProjectionWrites(self.database).save(part.collection, documents(part, facts))

    async def look(self) -> None:
        """Every order that was ever seen is still there, and none went back."""
        shown = {it["_id"]: it["version"] async for it in self.database[ORDERS].find()}
        assert {it: shown.get(it, 0) >= version for it, version in self.seen.items()} == dict.fromkeys(self.seen, True)
        self.seen = shown

    async def content(self) -> dict[str, list[dict[str, Any]]]:
        """All that is shown."""
        return {name: await self.database[name].find().sort("_id", 1).to_list(None) for name in NAMES}

    def told(self) -> dict[str, list[dict[str, Any]]]:
        """All that the log tells."""
        told = {part.collection: list(documents(part, self.shop.records[part.topic])) for part in PARTS}
        return {name: sorted(map(as_stored, made), key=lambda it: it["_id"]) for name, made in told.items()}

    def rebuild(self) -> Rebuild:
        """A rebuild of all this."""
        return Rebuild(_Log(self), _Watched(self), lambda _title, _total: lambda _count: None)


def as_stored(document: dict[str, Any]) -> dict[str, Any]:
    """The document as MongoDB gives it back."""
    return bson.decode(bson.encode(document), CodecOptions(tz_aware=True))


class _Log:
    def __init__(self, world: World) -> None:
        self._world = world

    def spans(self, topic: str) -> Spans:
        return {0: Span(0, len(self._world.shop.records[topic]))}

    def committed(self, asked: Any) -> Any:
        raise AssertionError("nobody asks")

    async def batches(self, topic: str, spans: Spans) -> AsyncIterator[list[LogRecord]]:
        for record in self._world.shop.records[topic][spans[0].low : spans[0].end]:
            await self._world.at(f"read {topic}")
            yield [record]


class _Watched(Rebuilding):
    """Tells the world of each of its steps before it is made, and after the swap."""

    def __init__(self, world: World) -> None:
        super().__init__(world.database, NAMES, "a test")
        self._world = world

    async def save(self, name: str, documents: Any) -> None:
        await self._world.at(f"save {name}")
        await super().save(name, documents)

    async def prepare(self, name: str) -> None:
        await self._world.at(f"prepare {name}")
        await super().prepare(name)

    async def swap(self, name: str) -> None:
        await self._world.at(f"swap {name}")
        await super().swap(name)
        await self._world.at(f"swapped {name}")


class Heard(monitoring.CommandListener):
    """Tells of each command, and of the collection that it is about, just before it is sent."""

    def __init__(self, tell: Callable[[str, str], None]) -> None:
        self._tell = tell

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        self._tell(event.command_name, str(event.command[event.command_name]))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        pass

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


async def leftovers(database: mongo.Database) -> list[str]:
    """What a rebuild must not leave behind."""
    names = [it for it in await database.list_collection_names() if "rebuild" in it]
    return names + [it["_id"] async for it in database["projection"].find()]
