"""What must happen on the consumer's own thread, where its generation can't change meanwhile."""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar, cast

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from app.delivery.identity import Identity
from app.delivery.membership import Membership

if TYPE_CHECKING:
    from app.delivery.app import DeliveryApp

log = logging.getLogger(__name__)

T = TypeVar("T")

HEARTBEAT_LIMIT: Final = 0.5
"""Part of the session that a heartbeat may take: the rest is for finding another coordinator."""
STEP_LIMIT: Final = 0.15
"""Part of it that a step towards another coordinator may take, at least a second: it may begin with a handshake."""


class Start(NamedTuple):
    """Where a partition starts: the next offset to read, and what is committed (`None`: nothing yet)."""

    next: int
    committed: int | None


class DrainThread(AIOKafkaConsumerThread):
    """aiokafka's consumer in its thread, as a member that fetches nothing; commits are bound to a generation."""

    _watching: asyncio.Future[None] | None = None

    async def on_start(self) -> None:
        """Connect; with a name in the group (`consumer_group_instance_id`), watch that nobody else takes it."""
        await super().on_start()
        coordinator, session_s = self._ensure_consumer()._coordinator, self.app.conf.broker_session_timeout
        membership = Membership(coordinator, HEARTBEAT_LIMIT * session_s, max(1.0, STEP_LIMIT * session_s))
        self._watching = asyncio.ensure_future(self._watch(membership))
        instance_id = self.app.conf.consumer_group_instance_id
        if instance_id:
            Identity(instance_id, session_s).watch(coordinator)

    async def on_thread_stop(self) -> None:
        """Watch no more."""
        if self._watching is not None:
            self._watching.cancel()
        await super().on_thread_stop()

    async def _watch(self, membership: Membership) -> None:
        try:
            await membership.until_it_fails()
        except Exception as error:
            app = cast("DeliveryApp", self.app)
            asyncio.run_coroutine_threadsafe(app.stop_for(error, "the membership of the group"), self.parent_loop)

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on this thread's loop, past the method queue that a fetch may occupy for a second."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.thread_loop))

    async def pause(self) -> None:
        """Fetch nothing, and don't ask where to begin: any position will do that is never read."""
        consumer = self._ensure_consumer()
        consumer.pause(*consumer.assignment())
        for tp in consumer.assignment():
            consumer.seek(tp, 0)

    async def starts(self, generation: int, changelogs: frozenset[str]) -> dict[TP, Start] | None:
        """Say where every assigned partition that is no changelog's starts: where it is committed.

        A partition without a commit, or whose commit fell off the log, starts at the earliest offset. Returns `None`,
        and changes nothing, when the group has moved on from `generation`.
        """
        consumer = self._ensure_consumer()
        streams = [tp for tp in consumer.assignment() if tp.topic not in changelogs]
        committed = await consumer._coordinator.fetch_committed_offsets(streams)  # one question for all of them
        earliest = await consumer.beginning_offsets(streams) if streams else {}
        if consumer._coordinator.generation != generation:
            return None
        starts: dict[TP, Start] = {}
        for tp in streams:
            known = committed[tp].offset if tp in committed else None
            start = Start(max(known or 0, earliest[tp]), known)
            if known is not None and known < earliest[tp]:
                log.error("%s-%s begins at %s, and %s is committed: what lay between is lost", *tp, start.next, known)
            starts[TP(tp.topic, tp.partition)] = start
        return starts

    async def commit_in(self, generation: int, offsets: Mapping[TP, int]) -> bool:
        """Commit, but only as a member of `generation`."""
        if self._ensure_consumer()._coordinator.generation != generation:
            return False
        return await self._commit(offsets)
