"""Many keys in one question, and each who asked gets its own answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest

from app.adapters.together import Together


class Store:
    """Answers a question when the test says so."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.rows = {"a": 1, "b": 2}
        self.answering = asyncio.Event()
        self.error: Exception | None = None

    async def find(self, keys: list[str]) -> Mapping[str, int]:
        self.asked.append(keys)
        rows = {key: self.rows[key] for key in keys if key in self.rows}
        await self.answering.wait()
        if self.error is not None:
            raise self.error
        return rows


@pytest.fixture
async def store() -> Store:
    return Store()


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_comes_at_the_same_time_is_one_question(store: Store) -> None:
    together = Together(store.find)
    store.answering.set()
    assert await asyncio.gather(*(together.get(key) for key in ("a", "b", "c", "a"))) == [1, 2, None, 1]
    assert store.asked == [["a", "b", "c"]]


async def test_who_comes_while_one_is_asked_is_asked_for_anew(store: Store) -> None:
    together = Together(store.find)
    first = asyncio.ensure_future(together.get("a"))
    await turns()
    store.rows["a"] = 7
    second, third = asyncio.ensure_future(together.get("a")), asyncio.ensure_future(together.get("b"))
    await turns()
    assert store.asked == [["a"]]
    store.answering.set()
    assert [await first, await second, await third] == [1, 7, 2]
    assert store.asked == [["a"], ["a", "b"]]


async def test_an_error_is_told_to_all_who_asked_and_to_no_later_one(store: Store) -> None:
    together = Together(store.find)
    store.error = ConnectionError("away")
    store.answering.set()
    told = await asyncio.gather(together.get("a"), together.get("b"), return_exceptions=True)
    assert [type(it) for it in told] == [ConnectionError, ConnectionError]
    store.error = None
    assert await together.get("a") == 1


async def test_who_gives_up_takes_nobody_along(store: Store) -> None:
    together = Together(store.find)
    impatient, patient = asyncio.ensure_future(together.get("a")), asyncio.ensure_future(together.get("b"))
    await turns()
    impatient.cancel()
    store.answering.set()
    assert await patient == 2
    assert impatient.cancelled()
