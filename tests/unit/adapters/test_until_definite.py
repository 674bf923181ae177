"""A call is made until its outcome is known, and those who wait for it are told when that takes many attempts."""

from __future__ import annotations

import asyncio
import random

import pytest

from app.adapters.outcome import OutcomeUnknown, Retry, Settled, Verdict, until_definite

FIRST_S, LONGEST_S = 1.0, 10.0


class OtherSide:
    """Answers the attempt that `definite` names; what was told and how long was waited before it is noted."""

    def __init__(self, definite: int) -> None:
        self.told: list[int] = []
        self.pauses_s: list[float] = []
        self._definite = definite

    async def call(self, attempt: int) -> Verdict:
        assert attempt == len(self.pauses_s) + 1
        if attempt < self._definite:
            raise OutcomeUnknown("no answer")
        return Verdict(ok=True, reference="r1")

    async def stalled(self, attempt: int) -> None:
        self.told.append(attempt)

    async def sleep(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)


async def made(definite: int, monkeypatch: pytest.MonkeyPatch) -> tuple[OtherSide, Settled]:
    other = OtherSide(definite)
    monkeypatch.setattr(asyncio, "sleep", other.sleep)
    retry = Retry(FIRST_S, LONGEST_S, attempts=4)
    settled = await until_definite(other.call, other.stalled, retry, random.Random(1))
    monkeypatch.undo()
    return other, settled


async def test_a_definite_answer_ends_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    other, settled = await made(1, monkeypatch)
    assert settled == Settled(Verdict(ok=True, reference="r1"), 1)
    assert (other.told, other.pauses_s) == ([], [])


async def test_pauses_double_up_to_the_longest_with_jitter(monkeypatch: pytest.MonkeyPatch) -> None:
    other, _ = await made(8, monkeypatch)
    for pause_s, full_s in zip(other.pauses_s, (1, 2, 4, 8, 10, 10, 10), strict=True):
        assert full_s / 2 <= pause_s <= full_s
    assert len(set(other.pauses_s)) == 7, "jitter"


@pytest.mark.parametrize(("definite", "told"), [(4, []), (5, [4]), (8, [4]), (9, [4, 8]), (14, [4, 8, 12])])
async def test_the_order_is_told_after_every_so_many_attempts(
    definite: int, told: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    other, settled = await made(definite, monkeypatch)
    assert other.told == told
    assert settled.attempts == definite
