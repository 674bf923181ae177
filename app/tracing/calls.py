"""The spans of calls to gateways and carriers: one an attempt, so that retries are seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from opentelemetry.trace import SpanKind, StatusCode

from app.adapters.outcome import OutcomeUnknown, Verdict
from app.tracing.context import recorded, written
from app.tracing.spans import Spans


class TracedCalls:
    """The attempts at one operation. `trace` is the `traceparent` for what comes of it: of the last attempt.

    Where nothing is recorded it stays what it was.
    """

    def __init__(self, spans: Spans, to: str, operation: str, order_id: str, trace: str) -> None:
        self.trace = trace
        self._parent = recorded(trace) if spans.are_made else None
        self._spans = spans
        self._name = f"{operation} {to}"
        self._about = {"server.address": to, "rpc.method": operation, "order.id": order_id}

    async def call(self, number: int, call: Callable[[], Awaitable[Verdict]]) -> Verdict:
        """Make the attempt of this number, from 1."""
        if self._parent is None:
            return await call()
        about: dict[str, str | int] = {**self._about, "call.attempt": number}
        span = self._spans.start(self._name, SpanKind.CLIENT, self._parent, about)
        self.trace = written(span.get_span_context())
        try:
            verdict = await call()
            span.set_attribute("call.outcome", "done" if verdict.ok else f"refused: {verdict.reason}")
            return verdict
        except OutcomeUnknown as unknown:
            span.set_status(StatusCode.ERROR, str(unknown))
            raise
        finally:
            span.end()
