"""What the healer does with a foreign range that it can't read to its end, because the broker is away."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.delivery.healing import Healer
from app.delivery.held import Held


@pytest.fixture
def held() -> Held:
    return Held(bytes.decode, len)


@pytest.fixture
def healer(held: Held) -> Healer:
    return Healer(SimpleNamespace(), SimpleNamespace(held=lambda _: held))  # type: ignore[arg-type]  # no more is reached


def somebody_else_writes(healer: Healer) -> None:
    healer.begin([0])
    healer.acknowledged(0, 0, 2)
    healer.acknowledged(0, 6, 1)  # somebody else wrote 2 to 5


async def test_a_range_that_cant_be_read_now_is_read_later(
    healer: Healer, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else_writes(healer)
    asked: list[Any] = []
    answers = iter([None, {b"overwritten"}])

    async def keys(*foreign: int) -> set[bytes] | None:
        asked.append(foreign)
        return next(answers)

    monkeypatch.setattr(healer, "_keys", keys)
    await healer._diagnose()
    assert held.sick == set()
    await healer._diagnose()
    assert held.sick == {b"overwritten"}
    await healer._diagnose()
    assert asked == [(0, 2, 6), (0, 2, 6)]


async def test_what_is_ill_stays_so_when_the_group_agrees_anew_and_goes_with_the_rows(
    healer: Healer, held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    somebody_else_writes(healer)
    healer.begin([0])
    assert held.foreign == [(2, 6)]

    fresh = Held(bytes.decode, len)
    monkeypatch.setattr(healer._table, "held", lambda _: fresh)
    healer.begin([0])
    healer.acknowledged(0, 0, 1)
    assert (fresh.foreign, fresh.read_to, held.read_to) == ([], 1, 7)
