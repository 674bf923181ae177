"""What must happen on the consumer's own thread, where its generation can't change meanwhile."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, NamedTuple, TypeVar

from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread
from faust.types import TP

from app.delivery.identity import Identity

T = TypeVar("T")


class Start(NamedTuple):
    """Where a partition starts: the next offset to read, and what is committed (`None`: nothing yet)."""

    next: int
    committed: int | None


class DrainThread(AIOKafkaConsumerThread):
    """aiokafka's consumer in its thread, as a member that fetches nothing; commits are bound to a generation."""

    async def on_start(self) -> None:
        """Connect; with a name in the group (`consumer_group_instance_id`), watch that nobody else takes it."""
        await super().on_start()
        instance_id = self.app.conf.consumer_group_instance_id
        if instance_id:
            Identity(instance_id, self.app.conf.broker_session_timeout).watch(self._ensure_consumer()._coordinator)

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
            starts[TP(tp.topic, tp.partition)] = start
        return starts

    async def commit_in(self, generation: int, offsets: Mapping[TP, int]) -> bool:
        """Commit, but only as a member of `generation`."""
        if self._ensure_consumer()._coordinator.generation != generation:
            return False
        return await self._commit(offsets)
