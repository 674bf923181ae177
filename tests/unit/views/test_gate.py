"""The gate before `/v1`: so many at once, and a last call when the worker stops."""

import asyncio
from collections.abc import Callable

import pytest

from views.gate import Gate
from views.problems import Problem


def this_task() -> asyncio.Task[str]:
    task = asyncio.current_task()
    assert task is not None
    return task


async def answered(gate: Gate, work: Callable[[], asyncio.Future[str]], application: str = "") -> str:
    """What a request inside the gate is answered: by `work`, or the status of a problem."""
    try:
        with gate.place(this_task(), application):
            return await work()
    except Problem as problem:
        return str(problem.status)


async def test_the_gate_lets_in_as_many_as_it_has_places() -> None:
    gate = Gate(2)
    held: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    inside = [asyncio.create_task(answered(gate, lambda: held)) for _ in range(2)]
    await asyncio.sleep(0)
    assert await answered(gate, lambda: held) == "503"
    held.set_result("done")
    assert await asyncio.gather(*inside) == ["done", "done"]
    assert await answered(gate, lambda: held) == "done"


async def test_one_application_has_its_share_of_the_places_and_others_the_rest() -> None:
    gate = Gate(3, share=2)
    held: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    inside = [asyncio.create_task(answered(gate, lambda: held, "a")) for _ in range(2)]
    await asyncio.sleep(0)
    assert await answered(gate, lambda: held, "a") == "503"
    inside.append(asyncio.create_task(answered(gate, lambda: held, "b")))
    await asyncio.sleep(0)
    assert await answered(gate, lambda: held, "c") == "503"
    held.set_result("done")
    assert await asyncio.gather(*inside) == ["done"] * 3
    assert await answered(gate, lambda: held, "a") == "done"


async def test_at_the_last_call_who_is_quick_is_answered_and_who_is_not_is_told_to_go_elsewhere() -> None:
    gate = Gate(9)
    quick: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    inside = [asyncio.create_task(answered(gate, lambda it=it: it)) for it in (quick, never)]
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.02, quick.set_result, "done")
    await gate.last_call(patience_s=0.2)
    assert await asyncio.gather(*inside) == ["done", "503"]


async def test_the_last_call_does_not_wait_when_nobody_is_inside() -> None:
    async with asyncio.timeout(1):
        await Gate(1).last_call(patience_s=60)


async def test_a_request_that_its_client_gives_up_is_just_cancelled() -> None:
    gate = Gate(1)
    never: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(answered(gate, lambda: never))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
