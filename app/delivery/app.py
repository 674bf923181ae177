"""The Faust app that keeps its promise: no event lost, none acknowledged before what it caused is safe."""

import asyncio
import gc
import logging
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from functools import cached_property
from typing import Any, cast

import faust
from faust.transport.drivers.aiokafka import Transport
from faust.web.drivers.aiohttp import Web

from app.delivery.assignor import DrainAssignor
from app.delivery.batch import Batch
from app.delivery.brokers import Brokers
from app.delivery.changelog import Changelogs
from app.delivery.consumer import DrainConsumer
from app.delivery.ends import Ends
from app.delivery.follower import Follower
from app.delivery.front import Front
from app.delivery.guard import Guard, bound_stop
from app.delivery.inbox import Inbox
from app.delivery.lane import Lane
from app.delivery.participant import Participant
from app.delivery.partitioning import partition_of
from app.delivery.produce import Appended, Place
from app.delivery.producer import BarrierProducer
from app.delivery.quiet import quiet_loggers
from app.delivery.recovery import DrainTableManager
from app.delivery.security import OPEN, Security
from app.delivery.sink import Sink
from app.delivery.stats import Stats
from app.delivery.topics import NewTopicSpec, ensure_topics
from app.delivery.tracing import Tracer
from app.delivery.worker import DrainWorker

log = logging.getLogger(__name__)

#: Faust's settings without which the promise does not hold, or that were measured to be better.
DEFAULTS: dict[str, Any] = {
    "TableManager": DrainTableManager,
    "Worker": DrainWorker,
    "PartitionAssignor": DrainAssignor,
    "store": "memory://",
    "stream_wait_empty": True,
    "producer_acks": -1,
    "table_standby_replicas": 0,
    "topic_disable_leader": True,
    "broker_session_timeout": 10.0,
    "broker_heartbeat_interval": 1.0,
    "broker_rebalance_timeout": 60.0,
    "broker_request_timeout": 90.0,
    "broker_commit_interval": 0.5,
    "broker_max_poll_records": 2000,
    # aiokafka is never asked for records, which is no sign of trouble: it would leave the group then, for good.
    "broker_max_poll_interval": 100 * 365 * 24 * 3600.0,
}

#: Parts of the session: how long a record may wait to be sent, and how long the loop may stand still.
RECORD_TIMEOUT = 0.8
STALL_LIMIT = 0.9

#: How long a stop may take: after that the process just ends. And parts of it: how long the group may take to let go of
#: this worker, the last spans to be sent, and the web server to end what it is at.
STOP_LIMIT_S = 4.5
LEAVE_S = 1.0
LAST_SPANS_S = 0.5
WEB_STOP_S = 0.5

_HOUR_MS = 3600 * 1000


class DrainTransport(Transport):
    """Faust's Kafka transport with the consumer and the producer of this package."""

    Consumer = DrainConsumer
    Producer = BarrierProducer


class DeliveryApp(faust.App):
    """A Faust app whose consumer, recovery and producer close its holes.

    `bootstrap` is "host:port[,host:port]", reached with `security`; `topics` are made before the consumer
    starts, as are the changelogs of the tables, with `replication` copies. `delivery_timeout_s` is how long a
    slice may wait for the broker before the worker gives up, `front_timeout_s` the same for a request.
    `compaction_lag_s` is how long a changelog keeps superseded rows: longer than any worker may be paused.
    `inbox_limit` is how many records of a topic may wait for its agent before fetching pauses, if its lane names no
    limit of its own. All else goes to Faust.
    """

    def __init__(
        self,
        id: str,
        *,
        bootstrap: str,
        security: Security = OPEN,
        topics: Sequence[NewTopicSpec] = (),
        delivery_timeout_s: float = 120.0,
        front_timeout_s: float = 4.0,
        compaction_lag_s: float = 6 * 3600.0,
        replication: int = 1,
        inbox_limit: int = 6000,
        **options: Any,
    ) -> None:
        self.stats = Stats()
        self.lanes: dict[str, Lane] = {}
        self.participants: dict[str, Participant] = {}
        self.followers: dict[str, Follower] = {}
        self.front: Front
        self.sink: Sink
        self._sends = False  # once it has begun, `front` and `sink` are there
        self.ends: Ends
        self.guard: Guard
        self.bootstrap = bootstrap
        self.security = security
        self.tracing: Tracer | None = None
        self.changelogs = Changelogs(bootstrap, security)
        self._specs = {spec.name: spec for spec in topics}
        self._delivery_timeout_s = delivery_timeout_s
        self._front_timeout_s = front_timeout_s
        self._compaction_lag_s = compaction_lag_s
        self._replication = replication
        self._inbox_limit = inbox_limit
        self._spawned: set[asyncio.Task[Any]] = set()
        self._leaving: asyncio.Task[None] | None = None
        broker = ";".join(f"kafka://{server}" for server in bootstrap.split(","))
        super().__init__(id, **{"broker": broker, "broker_credentials": security.faust(), **DEFAULTS, **options})

    def needs(self, spec: NewTopicSpec) -> None:
        """Have this topic made, too, before the consumer starts."""
        self._specs[spec.name] = spec

    def lane(self, topic: str, inbox_limit: int = 0) -> Lane:
        """Make the lane of a topic, which from then on bypasses Faust's streams. One a topic.

        `inbox_limit` is the app's, if it is not said.
        """
        if topic in self.lanes:
            raise ValueError(f"topic {topic!r} has its agent already")
        limit = inbox_limit or self._inbox_limit
        lane = self.lanes[topic] = Lane(topic, Inbox(limit, limit // 3))
        return lane

    @property
    def drain(self) -> DrainConsumer:
        """The consumer, as what it is."""
        return cast(DrainConsumer, self.consumer)

    @cached_property
    def own_url(self) -> str:
        """Where other workers reach this one; of a worker that has begun."""
        return str(self.conf.canonical_url)

    def partitions_of(self, topic: str) -> int:
        """Return the number of partitions of a topic that was given to the app; `KeyError` for another."""
        return self._specs[topic].partitions

    def partition_of(self, topic: str, key: bytes) -> int:
        """Return the partition of a key; `KeyError` for a topic that was not given to the app."""
        return partition_of(key, self.partitions_of(topic))

    def _changelogs(self) -> list[NewTopicSpec]:
        config = {
            "cleanup.policy": "compact",
            "min.compaction.lag.ms": str(int(self._compaction_lag_s * 1000)),
            # A start reads the changelogs, so what was superseded or deleted is not to lie there for days: the segment
            # that is written to is never compacted, and others not before half of the log is superseded.
            "segment.ms": str(_HOUR_MS),
            "max.compaction.lag.ms": str(int(self._compaction_lag_s * 1000) + _HOUR_MS),
            "delete.retention.ms": str(_HOUR_MS),
        }
        return [
            NewTopicSpec(table.changelog_topic.get_topic_name(), table.partitions or 1, self._replication, config)
            for table in self.tables.values()
        ]

    async def on_start(self) -> None:
        """Make the topics, and what must be there before the consumer."""
        await super().on_start()
        quiet_loggers()
        # The rows of a table live long: looking at them in each collection took 15-35% of the time.
        gc.set_threshold(100_000, 50, 1000)
        specs = [*self._specs.values(), *self._changelogs()]
        session_s = self.conf.broker_session_timeout
        self.guard = Guard(STALL_LIMIT * session_s, lambda: self.sink.purge())
        self.add_future(self.guard.watch())
        self._begin_sending([spec.name for spec in specs], RECORD_TIMEOUT * session_s)
        await asyncio.to_thread(ensure_topics, self.bootstrap, specs, security=self.security)
        self.ends = Ends(self.bootstrap, self.security)
        cast(Web, self.web)._runner._shutdown_timeout = WEB_STOP_S  # aiohttp waits a minute

    def _begin_sending(self, topics: Sequence[str], fresh_s: float) -> None:
        def brokers(timeout_s: float) -> Brokers:
            return Brokers(self.bootstrap, self.security, topics, timeout_s)

        async def is_member() -> bool:
            return await self.drain.is_member()

        def appended(place: Place, batch: Batch, where: Appended) -> None:
            if self._consumer is not None:
                self.drain.appended(place, batch, where)

        def awake() -> None:
            self.guard.check("before a request")

        given_up_s, hurry_s = self._delivery_timeout_s, self._front_timeout_s
        self.sink = Sink(
            brokers(fresh_s), fresh_s, self.partition_of, self.stats, is_member, given_up_s, appended, awake
        )
        self._sends = True
        self.front = Front(brokers(hurry_s), self.partition_of, hurry_s, appended)

    async def on_stop(self) -> None:
        """Stop within `STOP_LIMIT_S`, whatever the broker does.

        What is under way is finished and committed, the group is left, and then, by `on_before_shutdown`, requests get
        their last call.
        """
        bound_stop(STOP_LIMIT_S)
        await super().on_stop()
        if self._leaving is not None:
            await asyncio.wait({self._leaving}, timeout=LEAVE_S)
        if self._sends:
            await self.sink.close()
            await self.front.close()
        if self.tracing is not None:
            await asyncio.to_thread(self.tracing.close, LAST_SPANS_S)

    async def _stop_consumer(self) -> None:
        """Leave the group at once when all is committed: Faust would stop everything else first."""
        await super()._stop_consumer()
        if self._sends:
            self.front.give_up()
        if self._consumer is not None:
            self._leaving = asyncio.get_running_loop().create_task(self._consumer.stop())

    def spawn(self, work: Coroutine[Any, Any, None], what: str) -> "asyncio.Task[None]":
        """Run `work` beside the caller; if it fails, the worker stops."""
        task = asyncio.get_running_loop().create_task(work, name=what)
        self._spawned.add(task)
        task.add_done_callback(self._despawn)
        return task

    def _despawn(self, task: "asyncio.Task[None]") -> None:
        self._spawned.discard(task)
        exc = None if task.cancelled() else task.exception()
        if exc is not None:
            self.spawn(self.stop_for(exc, task.get_name()), f"the stop for {task.get_name()}")

    @asynccontextmanager
    async def stops_on_failure(self, what: str) -> AsyncIterator[None]:
        """Stop the worker, loudly, when the body fails: nothing it has not finished is acknowledged."""
        try:
            yield
        except Exception as exc:
            await self.stop_for(exc, what)

    async def stop_for(self, exc: BaseException, what: str) -> None:
        """Stop the worker, loudly, since `what` has failed."""
        if not self.should_stop:
            log.critical("%s failed, the worker stops: %r", what, exc, exc_info=exc)
            await self.crash(exc)

    def _new_transport(self) -> DrainTransport:
        return DrainTransport(self.conf.broker_consumer, self)

    def _new_producer_transport(self) -> DrainTransport:
        return DrainTransport(self.conf.broker_producer, self)
