"""What a log line about a message says of it, in fields of its own."""

from __future__ import annotations

from app.delivery.contract import ConsumerRecord
from app.delivery.tracing import trace_id_of, traceparent_in


def about(record: ConsumerRecord) -> dict[str, str | int]:
    """Where the message stands, its key, and the trace it belongs to, where it has them: for `extra=`."""
    told: dict[str, str | int] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
    }
    if record.key is not None:
        told["key"] = record.key.decode(errors="replace")
    trace_id = trace_id_of(traceparent_in(record.headers))
    if trace_id:
        told["trace_id"] = trace_id
    return told
