"""What aiokafka's membership of the group does not see by itself, put around its coordinator.

- Where it asks what is committed, a broker that only begins to lead the group answers with an error and no offsets.
  aiokafka looks at the offsets alone, and takes it for a group that has committed nothing: all would be decided again
  from the beginning of the log.
- A heartbeat waits for its answer as long as a join may take, and so does the question for another coordinator, which
  the dead one may be asked, and the attempt to reach it. When the coordinator's machine is gone, the group has another
  one within seconds, and this worker would not hear of it for minutes.
- What it can't go on after it tells to whoever asks for records. Nobody does here (`reader.py`), so it is asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any, Final

from aiokafka.client import ConnectionGroup  # type: ignore[import-untyped]  # has no types
from aiokafka.conn import CloseReason  # type: ignore[import-untyped]
from aiokafka.errors import RequestTimedOutError, for_code  # type: ignore[import-untyped]
from aiokafka.protocol.commit import OffsetFetchRequest  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

NO_COORDINATOR: Final = frozenset({15, 16})
"""Kafka's codes for a broker that does not lead the group: none is known, or another one does."""

LOOK_EVERY_S: Final = 1.0


class Membership:
    """The membership that `coordinator` (aiokafka's) holds. All methods run on its own loop.

    A heartbeat waits for at most `heartbeat_s`; then another broker is asked for, each step within `step_s`.
    """

    def __init__(self, coordinator: Any, heartbeat_s: float, step_s: float) -> None:
        self._coordinator = coordinator
        self._heartbeat_s = heartbeat_s
        self._step_s = step_s
        self._send = coordinator._send_req
        self._heartbeat = coordinator._do_heartbeat
        coordinator._send_req = self._checked_send
        coordinator._do_heartbeat = self._bounded_heartbeat
        client = coordinator._client
        self._lookup, self._ready, self._renew = client.coordinator_lookup, client.ready, client.force_metadata_update
        client.coordinator_lookup, client.ready = self._bounded_lookup, self._bounded_ready
        client.force_metadata_update = self._bounded_renewal

    async def _checked_send(self, request: Any) -> Any:
        answer = await self._send(request)
        code = getattr(answer, "error_code", 0) if isinstance(request, OffsetFetchRequest) else 0
        if code in NO_COORDINATOR:
            self._coordinator.coordinator_dead()
        if code:
            raise for_code(code)()
        return answer

    async def _bounded_heartbeat(self) -> bool:
        try:
            async with asyncio.timeout(self._heartbeat_s):
                return bool(await self._heartbeat())
        except TimeoutError:
            log.warning("the group's coordinator does not answer: looking for another")
            self._hang_up()
            return False

    async def _bounded_lookup(self, kind: Any, name: str) -> Any:
        try:
            async with asyncio.timeout(self._step_s):
                return await self._lookup(kind, name)
        except TimeoutError as error:
            raise RequestTimedOutError from error  # it asks again, most likely another broker

    async def _bounded_ready(self, node: Any, *, group: Any = ConnectionGroup.DEFAULT) -> bool:
        ready = self._ready(node, group=group)
        return await self._within_a_step(ready) if group == ConnectionGroup.COORDINATION else bool(await ready)

    def _bounded_renewal(self) -> asyncio.Future[bool]:
        """As aiokafka's own it begins at once, whether it is waited for or not."""
        return asyncio.ensure_future(self._within_a_step(self._renew()))

    async def _within_a_step(self, done: Awaitable[Any]) -> bool:
        try:
            async with asyncio.timeout(self._step_s):
                return bool(await done)
        except TimeoutError:
            return False

    def _hang_up(self) -> None:
        """What else waits on this connection is told that it is lost, and asks again."""
        node = self._coordinator.coordinator_id
        connection = self._coordinator._client._conns.get((node, ConnectionGroup.COORDINATION))
        self._coordinator.coordinator_dead()
        if connection is not None:
            connection.close(reason=CloseReason.CONNECTION_TIMEOUT)

    async def until_it_fails(self) -> None:
        """Return never; raise what aiokafka can't go on after."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self._coordinator.check_errors()
