"""Orders wait for the next owner of their key: not for ever, not all at once, and not when the worker stops."""

import asyncio
from collections.abc import Callable

import pytest
from aiohttp import web

from app.main import app
from views.owner import NO_OWNER, NoOwner
from views.patience import Do, Patience
from views.problems import Problem

GONE = NoOwner("gone")
FORWARDED_503 = web.Response(status=503, headers={NO_OWNER: "1"})
TAKEN = web.Response(status=201)


def does(*outcomes: web.Response | Problem) -> tuple[Do, Callable[[], int]]:
    """What is done: these outcomes, the last one again and again; and how often it was done."""
    count = 0

    async def do() -> web.Response:
        nonlocal count
        outcome = outcomes[min(count, len(outcomes) - 1)]
        count += 1
        if isinstance(outcome, Problem):
            raise outcome
        return outcome

    return do, lambda: count


@pytest.mark.parametrize("gone", [GONE, FORWARDED_503], ids=["here", "by another worker's word"])
async def test_it_is_done_again_until_there_is_an_owner(gone: web.Response | Problem) -> None:
    do, count = does(gone, gone, TAKEN)
    assert await Patience(5, 1).answer(do) is TAKEN
    assert count() == 3


@pytest.mark.parametrize("outcome", [Problem(409, "taken"), Problem(503, "Kafka is away")])
async def test_other_problems_are_told_at_once(outcome: Problem) -> None:
    do, count = does(outcome)
    with pytest.raises(Problem) as raised:
        await Patience(5, 1).answer(do)
    assert (raised.value, count()) == (outcome, 1)


async def test_another_503_of_the_owner_is_its_answer() -> None:
    told = web.Response(status=503)
    do, count = does(told)
    assert (await Patience(5, 1).answer(do), count()) == (told, 1)


async def test_it_ends_with_503_when_there_is_no_owner_in_time() -> None:
    do, count = does(GONE)
    with pytest.raises(Problem) as raised:
        await Patience(0.35, 1).answer(do)
    assert (raised.value.status, "Retry-After" in raised.value.headers) == (503, True)
    assert count() > 1


async def test_so_many_wait_and_no_more() -> None:
    patience = Patience(5, 2)
    owned = asyncio.Event()

    async def do() -> web.Response:
        if not owned.is_set():
            raise GONE
        return TAKEN

    waiting = [asyncio.create_task(patience.answer(do)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Problem) as raised:
        await patience.answer(do)
    assert raised.value.status == 503
    owned.set()
    assert await asyncio.gather(*waiting) == [TAKEN, TAKEN]
    assert await patience.answer(do) is TAKEN


async def test_a_worker_that_stops_lets_nobody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(app), "should_stop", property(lambda _: True))
    do, count = does(GONE)
    with pytest.raises(Problem):
        await Patience(5, 1).answer(do)
    assert count() == 1
