"""The spans of messages: from when a participant takes one in hand until all it caused is safe."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from opentelemetry.trace import Span, SpanContext, SpanKind, StatusCode

from app import topics
from app.delivery import ConsumerRecord, Effects, Headers, Rows, traceparent_in
from app.domain import saga
from app.tracing.context import headers_of, message_span_id, parsed, recorded, written
from app.tracing.orders import root_of
from app.tracing.spans import Spans
from schemas.rows import OrderRow

_NAMESPACE: Final = re.compile(rb'\{"__faust":\{"ns":"([a-z0-9.-]+)"')
_ORDER_ID: Final = re.compile(rb'"order_id":"([A-Za-z0-9._-]{1,64})"')


class MessageSpan:
    """See `app.delivery.tracing.Span`."""

    def __init__(self, span: Span) -> None:
        self._span = span
        self.headers: Headers = headers_of(written(span.get_span_context()))

    def decided(self, effects: Effects, *, parked: bool) -> None:
        """Note what became of it."""
        if parked:
            self._span.set_status(StatusCode.ERROR, "parked as a dead letter")
        for _, row in effects.rows:
            if isinstance(row, OrderRow):
                self._span.set_attribute("order.status", saga.STATUS[row.order.state].value)

    def safe(self) -> None:
        """Have it sent. One whose worker dies first is made again, with the same id, by the next."""
        self._span.end()


class MessageTracer:
    """See `app.delivery.tracing.Tracer`. `group` is the consumer group of the workers."""

    def __init__(self, spans: Spans, group: str) -> None:
        self._spans = spans
        self._group = group

    def begin(self, record: ConsumerRecord, rows: Rows) -> MessageSpan | None:
        """Begin the span of a message that is about to be decided on."""
        parent, link = parsed(traceparent_in(record.headers)), None
        row = rows.get(record.key.decode(errors="replace")) if record.topic == topics.ORDERS and record.key else None
        root = None if row is None else root_of(row)
        if root is not None and (parent is None or parent.trace_id != root.trace_id):
            if not self._spans.samples(root.trace_id):
                return None
            parent, link = root, parent  # what a request of another trace does to the order belongs to the order's
        if parent is None or not parent.trace_flags.sampled:
            return None
        return MessageSpan(self._start(record, parent, link=link))

    def followed(self, records: Sequence[ConsumerRecord], began_ns: int) -> None:
        """The spans of records that the projection has written."""
        for record in records:
            parent = recorded(traceparent_in(record.headers))
            if parent is not None:
                self._start(record, parent, start_ns=began_ns).end()

    def close(self, limit_s: float) -> None:
        """Send what is not sent yet."""
        self._spans.close(limit_s)

    def _start(
        self,
        record: ConsumerRecord,
        parent: SpanContext,
        *,
        link: SpanContext | None = None,
        start_ns: int | None = None,
    ) -> Span:
        return self._spans.start(
            f"process {record.topic}",
            SpanKind.CONSUMER,
            parent,
            self._about(record),
            span_id=message_span_id(record.topic, record.key, record.offset),
            link=link,
            start_ns=start_ns,
        )

    def _about(self, record: ConsumerRecord) -> dict[str, str | int]:
        """By OpenTelemetry's conventions for messages, and which order and what kind of message it is."""
        told: dict[str, str | int] = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.consumer.group.name": self._group,
            "messaging.destination.name": record.topic,
            "messaging.destination.partition.id": str(record.partition),
            "messaging.kafka.offset": record.offset,
        }
        value = record.value or b""
        kind, order = _NAMESPACE.match(value), _ORDER_ID.search(value)
        if record.key is not None:
            told["messaging.kafka.message.key"] = record.key.decode(errors="replace")
        if kind is not None:
            told["order.message"] = kind[1].decode()
        if order is not None:
            told["order.id"] = order[1].decode()
        return told
