"""What aiokafka does not see of its own membership, with its real coordinator."""

from __future__ import annotations

import asyncio
import time
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import ConnectionGroup  # type: ignore[import-untyped]  # has no types
from aiokafka.consumer.group_coordinator import GroupCoordinator  # type: ignore[import-untyped]
from aiokafka.consumer.subscription_state import SubscriptionState  # type: ignore[import-untyped]
from aiokafka.protocol.commit import OffsetFetchResponse_v3  # type: ignore[import-untyped]
from aiokafka.structs import TopicPartition  # type: ignore[import-untyped]

from app.delivery import membership as module
from app.delivery.app import DEFAULTS
from app.delivery.membership import Membership
from app.delivery.thread import DrainThread

PLACE = TopicPartition("orders", 0)
HEARTBEAT_S = 0.05
STEP_S = 0.05


class Client:
    """Three brokers, of which 1 is dead: it takes requests and connections, and answers none."""

    def __init__(self) -> None:
        self._conns: dict[Any, Any] = {}
        self.asked = [1, 2, 2]
        self.named = [1, 3]
        self.steps: list[str] = []

    async def coordinator_lookup(self, _kind: Any, _name: str) -> int:
        await self._answer("asked", self.asked[0], self.asked)
        return self.named[0]

    async def ready(self, node: int, *, group: Any) -> bool:
        await self._answer("named", node, self.named)
        return True

    async def _answer(self, what: str, node: int, nodes: list[int]) -> None:
        self.steps.append(f"{what} {node}")
        if len(nodes) > 1:
            nodes.pop(0)
        if node == 1:
            await asyncio.Event().wait()

    def force_metadata_update(self) -> asyncio.Future[bool]:
        return asyncio.get_running_loop().create_future()  # it asks the dead one, too


@pytest.fixture
async def coordinator() -> Any:
    made: Any = object.__new__(GroupCoordinator)
    made.group_id, made.member_id, made.coordinator_id, made.generation = "group", "member", 1, 7
    made._retry_backoff_ms = 1
    made._coordinator_dead_fut = asyncio.get_running_loop().create_future()
    made._client = Client()
    return made


@pytest.mark.parametrize("code", [14, 15, 16])
async def test_a_coordinator_that_does_not_know_yet_is_asked_again_what_is_committed(
    coordinator: Any, code: int
) -> None:
    """While it loads the group (14) or leads it no more (15, 16) it names no offsets at all."""
    answers = [([], code), ([("orders", [(0, 1_000_000, "", 0)])], 0)]

    async def send(_request: Any) -> Any:
        return OffsetFetchResponse_v3.decode(BytesIO(OffsetFetchResponse_v3(0, *answers.pop(0)).encode()))

    async def known() -> None:
        coordinator.coordinator_id = 2

    async def beginning(_tps: Any) -> dict[TopicPartition, int]:
        return {PLACE: 12}

    coordinator._send_req, coordinator.ensure_coordinator_known = send, known
    Membership(coordinator, HEARTBEAT_S, STEP_S)
    consumer = SimpleNamespace(assignment=lambda: {PLACE}, _coordinator=coordinator, beginning_offsets=beginning)
    thread: Any = object.__new__(DrainThread)
    thread._ensure_consumer = lambda: consumer
    starts = await thread.starts(7, frozenset())
    assert [(it.next, it.committed) for it in starts.values()] == [(1_000_000, 1_000_000)]
    assert coordinator._coordinator_dead_fut.done() == (code != 14)


async def test_a_coordinator_that_does_not_answer_is_given_up_and_hung_up_on(coordinator: Any) -> None:
    closed: list[Any] = []
    connection = SimpleNamespace(close=lambda reason: closed.append(reason))
    coordinator._client._conns[1, ConnectionGroup.COORDINATION] = connection
    coordinator._do_heartbeat = asyncio.Event().wait
    Membership(coordinator, HEARTBEAT_S, STEP_S)
    assert await coordinator._do_heartbeat() is False
    assert (coordinator.coordinator_id, len(closed)) == (None, 1)


async def test_no_step_towards_another_coordinator_waits_for_the_dead_one(coordinator: Any) -> None:
    """It may be asked itself, and those that live name it until they know that it is dead."""
    coordinator._closing = asyncio.get_running_loop().create_future()
    coordinator._coordinator_lookup_lock = asyncio.Lock()
    coordinator._do_heartbeat = asyncio.Event().wait
    client = coordinator._client
    Membership(coordinator, HEARTBEAT_S, STEP_S)
    assert await coordinator._do_heartbeat() is False
    async with asyncio.timeout(5):
        await coordinator.ensure_coordinator_known()
    assert coordinator.coordinator_id == 3
    assert client.steps == ["asked 1", "asked 2", "named 1", "asked 2", "named 3"]


async def test_what_aiokafka_tells_its_user_is_heard(coordinator: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    coordinator._coordination_task = asyncio.get_running_loop().create_future()
    coordinator._error_consumed_fut, coordinator._pending_exception = None, None
    watching = asyncio.create_task(Membership(coordinator, HEARTBEAT_S, STEP_S).until_it_fails())
    await asyncio.sleep(0.01)
    assert not watching.done()
    coordinator._pending_exception = RuntimeError("not authorised")
    with pytest.raises(RuntimeError, match="not authorised"):
        await asyncio.wait_for(watching, 5)


async def test_a_member_that_is_never_asked_for_records_stays_one(coordinator: Any) -> None:
    """aiokafka counts from the last record it was asked for, which here is none since the process began."""
    coordinator._subscription = SubscriptionState()
    coordinator._subscription._last_fetch_ended = time.monotonic() - 365 * 24 * 3600
    coordinator._heartbeat_interval_ms, coordinator._session_timeout_ms = 1, 10_000
    coordinator._max_poll_interval = DEFAULTS["broker_max_poll_interval"]
    left: list[int] = []
    beats = 0

    async def known() -> None:
        """It is."""

    async def beat() -> bool:
        nonlocal beats
        beats += 1
        if beats == 3:
            coordinator.member_id = ""
        return True

    async def leave() -> None:
        left.append(beats)
        coordinator.member_id = ""

    coordinator.ensure_coordinator_known, coordinator._do_heartbeat = known, beat
    coordinator._maybe_leave_group = leave
    await coordinator._heartbeat_routine()
    assert (beats, left) == (3, [])
