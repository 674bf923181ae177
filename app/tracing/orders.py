"""The trace of an order, as its row knows it. Pure."""

from __future__ import annotations

from opentelemetry.trace import SpanContext, TraceFlags

from app import topics
from app.tracing.context import message_span_id
from schemas.rows import OrderRow


def root_of(row: OrderRow) -> SpanContext | None:
    """The span of the message that placed the order; None when that belonged to no trace.

    Whether it was recorded is not in the row: say so by the sampler, before anything is made its child.
    """
    placed = row.order.history[0]
    if not placed.trace_id:
        return None
    span_id = message_span_id(topics.ORDERS, row.order_id.encode(), placed.offset)
    return SpanContext(int(placed.trace_id, 16), span_id, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
