"""Single sends for request handlers: a short time-out, and a quick no while the broker is away."""

import asyncio

from confluent_kafka import KafkaError, Message

from app.delivery.contract import Delivered, Send, Unavailable
from app.delivery.polled import LINGER_S, PolledProducer, producer_settings
from app.delivery.security import OPEN, Security


class Front:
    """One librdkafka producer for requests, apart from the slices' own; connects at the first send."""

    def __init__(
        self, bootstrap: str, timeout_s: float, security: Security = OPEN, *, linger_s: float = LINGER_S
    ) -> None:
        told = producer_settings(bootstrap, timeout_s, security, linger_s=linger_s)
        self._settings = told | {"error_cb": self._failed}
        self._timeout_s = timeout_s
        self._producer: PolledProducer | None = None
        self._away = False
        self._waiting = 0
        self._awaited: set[asyncio.Future[Delivered]] = set()

    async def send(self, message: Send, timeout_s: float | None = None) -> Delivered:
        """Send one record and return where it stands, once all in-sync replicas have it.

        Raises `Unavailable` after `timeout_s` (default and at most the app's `front_timeout_s`), or at
        once while the broker is known to be away. Even then the record may have been kept, if its
        acknowledgement was lost; it is never kept later.
        """
        if self._away and self._waiting:
            # One request at a time finds out whether the broker is back; nobody else has to wait for it.
            raise Unavailable("Kafka is away")
        if self._producer is None:
            self._producer = PolledProducer(self._settings)
        delivered: asyncio.Future[Delivered] = asyncio.get_running_loop().create_future()

        def on_delivery(error: KafkaError | None, record: Message) -> None:
            self._waiting -= 1
            self._away = error is not None
            if delivered.done():
                return
            if error is not None:
                delivered.set_exception(Unavailable(error.str()))
            else:
                delivered.set_result(_place(record))

        self._waiting += 1
        self._awaited.add(delivered)
        delivered.add_done_callback(self._awaited.discard)
        self._producer.send(message.topic, message.key, message.value, on_delivery, headers=message.headers)
        self._producer.poll()
        try:
            async with asyncio.timeout(timeout_s if timeout_s is not None else self._timeout_s + 1.0):
                return await delivered
        except TimeoutError:
            raise Unavailable("Kafka did not acknowledge in time") from None

    def give_up(self) -> None:
        """Wait for no acknowledgement any more: who does gets `Unavailable`. For the end of a worker."""
        for delivered in list(self._awaited):
            if not delivered.done():
                delivered.set_exception(Unavailable("the worker is stopping"))

    def _failed(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self._away = True


def _place(record: Message) -> Delivered:
    partition, offset = record.partition(), record.offset()
    assert partition is not None  # an acknowledged record has both
    assert offset is not None
    return Delivered(partition, offset, record.timestamp()[1])
