"""A slice of any size is written in pieces: what is made of one fact holds up nobody for the whole of it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

import pytest
from pymongo.errors import AutoReconnect

from app.adapters import projection_writes
from app.adapters.projection_writes import AT_ONCE, TOGETHER, ProjectionWrites

BAD: Final = 1000 * TOGETHER
"""The first document of a write that fails."""


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order. MongoDB itself is beside the point here: which documents go in which write is."""
    told: list[str] = []

    async def save_newest(collection: str, documents: list[Any]) -> None:
        told.append(f"{collection}: {documents[0]['_id']}-{documents[-1]['_id']}")
        await asyncio.sleep(0.01)
        told.append("written")
        if documents[0]["_id"] == BAD:
            raise AutoReconnect

    async def holder_now(_database: Any) -> str | None:
        told.append("who builds?")
        return "me" if told.count("who builds?") > AT_ONCE else None

    monkeypatch.setattr(projection_writes, "save_newest", save_newest)
    monkeypatch.setattr(projection_writes, "holder_now", holder_now)
    return told


class Names:
    """A database whose collections are their names."""

    def __getitem__(self, name: str) -> str:
        return name


def made(count: int, events: list[str], first: int = 0) -> Iterator[Any]:
    for number in range(first, first + count):
        if number % TOGETHER == 0:
            events.append(f"made {number}")
        yield {"_id": number}


async def save(documents: Iterable[Any]) -> None:
    writes: Any = Names()
    await ProjectionWrites(writes).save("orders", documents)


async def test_pieces_are_made_when_one_can_be_written_and_each_asks_for_a_rebuild(events: list[str]) -> None:
    await save(made(AT_ONCE * TOGETHER + 1, events))
    begun = [it for number in range(AT_ONCE) for it in (f"made {number * TOGETHER}", "who builds?", piece(number))]
    assert events[: len(begun)] == begun
    last = AT_ONCE * TOGETHER
    rest = [f"made {last}", "who builds?", f"orders.rebuild-me: {last}-{last}", f"orders: {last}-{last}"]
    assert [it for it in events[len(begun) :] if it != "written"] == rest


def piece(number: int) -> str:
    return f"orders: {number * TOGETHER}-{(number + 1) * TOGETHER - 1}"


async def test_nothing_is_begun_after_a_write_that_failed(events: list[str]) -> None:
    with pytest.raises(AutoReconnect):
        await save(made(10 * TOGETHER, events, first=BAD))
    written = events.count("written")
    await asyncio.sleep(0.05)
    assert events.count("written") == written
    assert f"made {BAD + 2 * AT_ONCE * TOGETHER}" not in events


async def test_nothing_is_asked_for_nothing(events: list[str]) -> None:
    await save(())
    assert events == []
