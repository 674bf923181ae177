"""What is made once for all who ask within a moment."""

import asyncio

import pytest

from views.metrics import OPENMETRICS, PLAIN, form_of
from views.shared import Shared


class Maker:
    """Counts what it has made, and can fail."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.count = 0
        self.fails = False
        self.shared = Shared(self.make, 1.0, lambda: self.now_s)

    async def make(self, name: str) -> str:
        self.count += 1
        await asyncio.sleep(0)
        if self.fails:
            raise ConnectionError
        return f"{name}-{self.count}"


async def test_many_who_ask_at_once_share_one() -> None:
    maker = Maker()
    assert await asyncio.gather(*(maker.shared.get("a") for _ in range(50))) == ["a-1"] * 50
    maker.now_s = 0.9
    assert await maker.shared.get("a") == "a-1"
    assert await maker.shared.get("b") == "b-2"
    maker.now_s = 1.0
    assert await maker.shared.get("a") == "a-3"


async def test_one_that_takes_longer_than_the_moment_is_not_begun_again_meanwhile() -> None:
    maker = Maker()
    first = asyncio.create_task(maker.shared.get("a"))
    await asyncio.sleep(0)
    maker.now_s = 5.0
    assert await asyncio.gather(first, maker.shared.get("a")) == ["a-1"] * 2


async def test_who_hangs_up_takes_it_away_from_nobody() -> None:
    maker = Maker()
    first, second = (asyncio.create_task(maker.shared.get("a")) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert await second == "a-1"


async def test_a_failure_is_told_to_those_who_wait_and_then_it_is_tried_again() -> None:
    maker = Maker()
    maker.fails = True
    assert {
        type(it) for it in await asyncio.gather(*(maker.shared.get("a") for _ in range(2)), return_exceptions=True)
    } == {ConnectionError}
    maker.fails = False
    assert await maker.shared.get("a") == "a-2"


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", PLAIN),
        ("*/*", PLAIN),
        ("text/plain;version=0.0.4;q=0.5,*/*;q=0.1", PLAIN),
        ("text/plain;version=abc", PLAIN),
        ("application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;q=0.3", OPENMETRICS),
        ("application/openmetrics-text; version=abc", OPENMETRICS),
    ],
)
def test_metrics_have_two_forms_whatever_is_asked_for(accept: str, form: str) -> None:
    """One text would be kept for each version that somebody makes up."""
    assert form_of(accept) == form
