"""The spans of calls to gateways and carriers: one an attempt, so that retries are seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from opentelemetry.trace import SpanKind, StatusCode

from app.adapters.outcome import OutcomeUnknown, Verdict
from app.tracing.context import recorded, written
from app.tracing.spans import Spans

Attempt: TypeAlias = Callable[[int], Awaitable[Verdict]]
"""Makes the attempt of this number, from 1."""


class TracedCalls:
    """The attempts at one operation. `trace` is the `traceparent` for what comes of it: of the last attempt.

    Where nothing is recorded it stays what it was.
    """

    def __init__(self, spans: Spans, to: str, operation: str, order_id: str, trace: str) -> None:
        self.trace = trace
        self._spans = spans
        self._of = to, operation, order_id

    def around(self, call: Attempt) -> Attempt:
        """The same call, with a span around each attempt; nothing around it where none is recorded."""
        parent = recorded(self.trace) if self._spans.are_made else None
        if parent is None:
            return call
        to, operation, order_id = self._of
        name, about = f"{operation} {to}", {"server.address": to, "rpc.method": operation, "order.id": order_id}

        async def traced(number: int) -> Verdict:
            span = self._spans.start(name, SpanKind.CLIENT, parent, {**about, "call.attempt": number})
            self.trace = written(span.get_span_context())
            try:
                verdict = await call(number)
                span.set_attribute("call.outcome", "done" if verdict.ok else f"refused: {verdict.reason}")
                return verdict
            except OutcomeUnknown as unknown:
                span.set_status(StatusCode.ERROR, str(unknown))
                raise
            finally:
                span.end()

        return traced
