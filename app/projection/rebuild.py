"""The projection rebuilt from Kafka alone: a second one beside the live one, which then takes its place."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from app.adapters.kafka_log import Log, LogRecord, Span, Spans
from app.adapters.rebuilding import Rebuilding
from app.projection.documents import PARTS, Document, Part, documents

WINDOW: Final = 5_000
"""Facts that are looked at together: an order's mostly lie near each other, and only the newest is written."""

Advance: TypeAlias = Callable[[int], None]
Begin: TypeAlias = Callable[[str, int], Advance]
"""Told of each part: its title and how many facts it may have; gives back what is called while they are read."""
Save: TypeAlias = Callable[[str, Sequence[Document]], Awaitable[None]]


class FewerDocuments(Exception):
    """The log has less than MongoDB shows; the text says of what."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What became of one collection: the facts that were read, and its documents before and after.

    `cut` counts the facts at the beginning of the log that retention has taken. `kept` names the copy of what was.
    """

    collection: str
    facts: int
    cut: int
    before: int = 0
    after: int = 0
    kept: str | None = None


class Rebuild:
    """Reads `log` into `rebuilding`. Tells `begin` how far it is."""

    def __init__(self, log: Log, rebuilding: Rebuilding, begin: Begin) -> None:
        self._log = log
        self._rebuilding = rebuilding
        self._begin = begin
        self._read_to: dict[Part, Spans] = {}

    async def run(self, *, keep: bool = False, fewer: bool = False) -> list[Rebuilt]:
        """The whole rebuild. With `keep` a copy of the old documents is left; `fewer` lets some of them be lost.

        Raises `RebuildUnderWay`, `ClaimLost`, `FewerDocuments`, `LogUnreadable`, `PyMongoError`. What is live then is
        whole, and newer than before at most.
        """
        async with self._rebuilding.begun():
            rebuilt = [await self._build(part) for part in PARTS]
            if not fewer:
                _check(rebuilt)
            return [await self._swap(part, it, keep) for part, it in zip(PARTS, rebuilt, strict=True)]

    async def _build(self, part: Part) -> Rebuilt:
        spans = await self._spans(part)
        facts = await self._fill(part, spans, self._rebuilding.save, f"Read {part.topic}")
        await self._rebuilding.prepare(part.collection)
        facts += await self._catch_up(part, self._rebuilding.save)
        before, after = await self._rebuilding.sizes(part.collection)
        cut = sum(span.low for span in spans.values())
        return Rebuilt(part.collection, facts, cut if part.keeps_all else 0, before, after)

    async def _swap(self, part: Part, rebuilt: Rebuilt, keep: bool) -> Rebuilt:
        kept = await self._rebuilding.keep(part.collection) if keep else None
        await self._rebuilding.swap(part.collection)
        # Live writers have written to both. This is for those that do not know how, or stood still over it.
        facts = await self._catch_up(part, self._rebuilding.save_live)
        return replace(rebuilt, facts=rebuilt.facts + facts, kept=kept)

    async def _spans(self, part: Part) -> Spans:
        self._read_to[part] = await asyncio.to_thread(self._log.spans, part.topic)
        return self._read_to[part]

    async def _catch_up(self, part: Part, save: Save) -> int:
        """Read on from where the log was read to; returns how many facts there were."""
        done = self._read_to[part]
        now = await self._spans(part)
        return await self._fill(part, {it: Span(done[it].end, span.end) for it, span in now.items()}, save)

    async def _fill(self, part: Part, spans: Mapping[int, Span], save: Save, title: str = "") -> int:
        total = sum(span.end - span.low for span in spans.values())
        advance = self._begin(title, total) if title else _untold
        facts = 0
        window: list[LogRecord] = []
        async for batch in self._log.batches(part.topic, spans):
            window += batch
            facts += len(batch)
            advance(len(batch))
            if len(window) >= WINDOW:
                await save(part.collection, list(documents(part, window)))
                window = []
        await save(part.collection, list(documents(part, window)))
        advance(total - facts)  # what compaction has taken
        return facts


def _untold(_count: int) -> None:
    pass


def _check(rebuilt: Sequence[Rebuilt]) -> None:
    for it in rebuilt:
        if it.after < it.before:
            raise FewerDocuments(
                f"MongoDB shows {it.before} {it.collection}, the log tells of {it.after}: nothing was changed"
            )
