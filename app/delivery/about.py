"""What a log line about a message says of it, in fields of its own."""

from __future__ import annotations

import re
from typing import Final

from app.delivery.contract import ConsumerRecord

_TRACEPARENT: Final = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def about(record: ConsumerRecord) -> dict[str, str | int]:
    """Where the message stands, its key, and the trace it belongs to, where it has them: for `extra=`."""
    told: dict[str, str | int] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
    }
    if record.key is not None:
        told["key"] = record.key.decode(errors="replace")
    trace = _TRACEPARENT.fullmatch(dict(record.headers).get("traceparent", b""))
    if trace is not None:
        told["trace_id"] = trace[1].decode()
    return told
