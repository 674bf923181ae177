"""What the healer does with a foreign range that it can't read to its end, because the broker is away."""

from types import SimpleNamespace
from typing import Any

import pytest

from app.delivery.healing import Healer


@pytest.fixture
def healer() -> Healer:
    made = Healer(SimpleNamespace(), SimpleNamespace())  # type: ignore[arg-type]  # neither is reached
    made.acknowledged(0, 4)
    made.acknowledged(0, 9)  # somebody else wrote 5 to 8
    return made


async def test_a_range_that_cant_be_read_now_is_read_later(healer: Healer, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    answers = iter([None, {"overwritten"}])

    def keys(*foreign: int) -> set[str] | None:
        asked.append(foreign)
        return next(answers)

    monkeypatch.setattr(healer, "_keys", keys)
    await healer._diagnose()
    assert healer._sick == {}
    await healer._diagnose()
    assert healer._sick == {0: {"overwritten"}}
    await healer._diagnose()
    assert asked == [(0, 5, 9), (0, 5, 9)]
