"""A member that is forgotten within its session has been replaced; one that was silent for longer has not."""

import asyncio
from types import SimpleNamespace

import pytest

from app.delivery.identity import NAME_TAKEN_EXIT_CODE, Identity

SESSION_S = 10.0


class Coordinator:
    """As much of aiokafka's as is watched."""

    def __init__(self, answers: list[bool]) -> None:
        self._closing: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.answers = answers
        self.resets = 0

    async def _do_heartbeat(self) -> bool:
        return self.answers.pop(0)

    def reset_generation(self) -> None:
        self.resets += 1


@pytest.mark.parametrize(
    ("heartbeats", "silent_s", "closing", "dies"),
    [
        ([True], 0.0, False, True),
        ([True], SESSION_S - 0.1, False, True),
        ([True], SESSION_S, False, False),  # its session may be over: it was not heard of for so long
        ([False], 0.0, False, False),
        ([], 0.0, False, False),  # told so when it joined
        ([True], 0.0, True, False),  # it resets itself when it stops
    ],
)
async def test_who_is_forgotten_within_its_session_dies(
    heartbeats: list[bool], silent_s: float, closing: bool, dies: bool
) -> None:
    clock = SimpleNamespace(now_s=100.0)
    deaths: list[int] = []
    coordinator = Coordinator(list(heartbeats))
    Identity("orders-0", SESSION_S, deaths.append, lambda: clock.now_s).watch(coordinator)
    for expected in heartbeats:
        assert await coordinator._do_heartbeat() is expected
    clock.now_s += silent_s
    if closing:
        coordinator._closing.set_result(None)
    coordinator.reset_generation()
    assert deaths == ([NAME_TAKEN_EXIT_CODE] if dies else [])
    assert coordinator.resets == 1


async def test_a_member_that_was_rightly_forgotten_is_not_known_before_its_next_heartbeat() -> None:
    clock = SimpleNamespace(now_s=100.0)
    deaths: list[int] = []
    identity = Identity("orders-0", SESSION_S, deaths.append, lambda: clock.now_s)
    identity.known()
    clock.now_s += SESSION_S
    identity.forgotten()
    clock.now_s -= SESSION_S  # whatever the clock says
    identity.forgotten()
    assert deaths == []
