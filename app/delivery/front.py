"""Single sends for request handlers: a short time-out, and a quick no while the broker is away."""

import asyncio
from collections.abc import Callable

from app.delivery.cluster import Cluster
from app.delivery.contract import Delivered, Send, Unavailable
from app.delivery.sender import OnAppended, Sender


class Front:
    """The requests' own sender, apart from the slices': neither waits behind the other. Needs a running loop."""

    def __init__(
        self, cluster: Cluster, partition_of: Callable[[str, bytes], int], timeout_s: float, on_appended: OnAppended
    ) -> None:
        self._sender = Sender(cluster, timeout_s, _give_up, on_appended)
        self._partition_of = partition_of
        self._timeout_s = timeout_s
        self._awaited: set[asyncio.Future[Delivered]] = set()

    async def send(self, message: Send, timeout_s: float | None = None) -> Delivered:
        """Send one record and return where it stands, once all in-sync replicas have it.

        Raises `Unavailable` after `timeout_s` (default and at most the app's `front_timeout_s`), or at
        once while the broker is known to be away. Even then the record may have been kept, if its
        acknowledgement was lost; it is never kept later.
        """
        if self._sender.away and self._awaited:
            # One request at a time finds out whether the broker is back; nobody else has to wait for it.
            raise Unavailable("Kafka is away")
        delivered: asyncio.Future[Delivered] = asyncio.get_running_loop().create_future()
        partition = self._partition_of(message.topic, message.key)

        def on_delivery(error: str | None, offset: int, time_ms: int, _count: int) -> None:
            if delivered.done():
                return
            if error is not None:
                delivered.set_exception(Unavailable(error))
            else:
                delivered.set_result(Delivered(partition, offset, time_ms))

        self._awaited.add(delivered)
        delivered.add_done_callback(self._awaited.discard)
        record = message.key, message.value, message.headers
        self._sender.send((message.topic, partition), [record], on_delivery)
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

    async def close(self) -> None:
        """Let go of the brokers."""
        await self._sender.close()


async def _give_up(_waited_s: float) -> str:
    """What a request sent, and Kafka has not taken in time, is not to come later."""
    return "Kafka did not take it in time"
