"""Faust's own producer, for what an app sends past the slices: its `flush` is a barrier."""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any

from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer


class BarrierProducer(Producer):
    """Faust flushes before each commit, but gives up after 0.1 s and only logs a send that failed."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._unacknowledged: set[asyncio.Future[Any]] = set()
        self._failure: BaseException | None = None

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": True}

    def _track(self, sent: "asyncio.Future[Any]") -> None:
        self._unacknowledged.add(sent)
        sent.add_done_callback(self._acknowledged)

    def _acknowledged(self, sent: "asyncio.Future[Any]") -> None:
        self._unacknowledged.discard(sent)
        if not sent.cancelled() and sent.exception() is not None:
            self._failure = sent.exception()

    def send_soon(self, fut: Any) -> None:
        """Queue a record; `flush` waits for it."""
        self._track(fut)
        super().send_soon(fut)

    async def send(self, *args: Any, **kwargs: Any) -> Awaitable[Any]:
        """Send a record; `flush` waits for it."""
        sent = asyncio.ensure_future(await super().send(*args, **kwargs))
        self._track(sent)
        return sent

    async def flush(self) -> None:
        """Return when every record sent before is acknowledged; raise `ProducerSendError` if one failed."""
        if self._producer is None:
            return
        if self._unacknowledged:
            await asyncio.wait(list(self._unacknowledged))
        if self._failure is not None:
            raise ProducerSendError(f"a record was not accepted by the broker: {self._failure!r}")
