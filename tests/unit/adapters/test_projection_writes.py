"""A slice of any size is written in pieces: what is made of one fact holds up nobody for the whole of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from app.adapters import projection_writes
from app.adapters.projection_writes import TOGETHER, ProjectionWrites


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happens, in order. MongoDB itself is beside the point here: which documents go in which write is."""
    told: list[str] = []

    async def save_newest(collection: str, documents: list[Any]) -> None:
        told.append(f"{collection}: {len(documents)}")

    async def holder_now(_database: Any) -> str | None:
        told.append("who builds?")
        return "me" if told.count("who builds?") > 1 else None

    monkeypatch.setattr(projection_writes, "save_newest", save_newest)
    monkeypatch.setattr(projection_writes, "holder_now", holder_now)
    return told


class Names:
    """A database whose collections are their names."""

    def __getitem__(self, name: str) -> str:
        return name


async def test_documents_are_made_piece_by_piece_and_each_piece_asks_for_a_rebuild(events: list[str]) -> None:
    def made() -> Iterator[Any]:
        for number in range(TOGETHER + 1):
            if number in (0, TOGETHER):
                events.append(f"made {number}")
            yield {"_id": number}

    writes: Any = Names()
    await ProjectionWrites(writes).save("orders", made())
    assert events == [
        "made 0",
        "who builds?",
        f"orders: {TOGETHER}",
        f"made {TOGETHER}",
        "who builds?",
        "orders.rebuild-me: 1",
        "orders: 1",
    ]


async def test_nothing_is_asked_for_nothing(events: list[str]) -> None:
    writes: Any = Names()
    await ProjectionWrites(writes).save("orders", ())
    assert events == []
