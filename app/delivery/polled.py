"""librdkafka's producer, polled from the event loop: callbacks run on the loop's own thread, without a lock."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, TypeAlias

from confluent_kafka import KafkaError, Message, Producer

from app.delivery.contract import Headers
from app.delivery.librdkafka import BACK_SOON
from app.delivery.security import OPEN, Security

Settings: TypeAlias = dict[str, Any]
OnDelivery: TypeAlias = Callable[[KafkaError | None, Message], None]

log = logging.getLogger("librdkafka")

POLL_EVERY_S = 0.001

LINGER_S = 0.001
"""See `Settings.linger_s`."""

LARGEST_RECORD_BYTES = 4_000_000
"""The largest record that is sent. The topic it goes to must take it: `max.message.bytes`."""


def producer_settings(
    bootstrap: str, timeout_s: float, security: Security = OPEN, *, linger_s: float = LINGER_S
) -> Settings:
    """Return librdkafka's settings: durable, in order, and as quick as was measured.

    `timeout_s` is how long a record may wait for its acknowledgement, `linger_s` how long it waits for others of its
    partition first. `murmur2_random` puts keys where Java's and aiokafka's clients put them.
    """
    return {
        **security.clients(),
        "bootstrap.servers": bootstrap,
        "acks": "all",
        "enable.idempotence": True,
        "partitioner": "murmur2_random",
        "linger.ms": linger_s * 1000,
        "batch.size": 1_000_000,
        "message.max.bytes": LARGEST_RECORD_BYTES,
        "queue.buffering.max.messages": 500_000,
        "socket.nagle.disable": True,
        "message.timeout.ms": int(timeout_s * 1000),
        **BACK_SOON,
        "allow.auto.create.topics": False,
        "log.connection.close": False,
    }


class PolledProducer:
    """Polls while anything is under way, and not at all otherwise. Needs a running loop from `send` on."""

    def __init__(self, settings: Settings) -> None:
        self._producer = Producer({**settings, "logger": log})
        self._timer: asyncio.TimerHandle | None = None

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes | None,
        on_delivery: OnDelivery,
        partition: int = -1,
        headers: Headers = (),
    ) -> None:
        """Queue one record; with no `partition` it follows from the key. Call `poll` after the last one."""
        if headers:
            self._producer.produce(topic, value, key, partition, on_delivery, headers=list(headers))
        else:
            self._producer.produce(topic, value, key, partition, on_delivery)

    def purge(self, *, in_flight: bool) -> None:
        """Take back what is not sent yet, and with `in_flight` what is not acknowledged: callbacks get an error."""
        self._producer.purge(in_queue=True, in_flight=in_flight, blocking=False)
        self.poll()

    def poll(self) -> None:
        """Serve callbacks now, and again soon while records are under way."""
        self._producer.poll(0)
        if self._timer is None and len(self._producer):
            self._timer = asyncio.get_running_loop().call_later(POLL_EVERY_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self.poll()
