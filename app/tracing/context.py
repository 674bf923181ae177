"""W3C Trace Context as text and in messages, and the ids of the spans of messages. Pure."""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from opentelemetry.trace import SpanContext, TraceFlags, format_span_id, format_trace_id

from app.delivery import TRACEPARENT, Headers

_FORM: Final = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


def parsed(traceparent: str) -> SpanContext | None:
    """The span that a `traceparent` names; None when it names none."""
    found = _FORM.fullmatch(traceparent)
    if found is None:
        return None
    trace_id, span_id, flags = (int(part, 16) for part in found.groups())
    made = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(flags))
    return made if made.is_valid else None


def recorded(traceparent: str) -> SpanContext | None:
    """As `parsed`; None, too, when its trace is not recorded."""
    named = parsed(traceparent)
    return named if named is not None and named.trace_flags.sampled else None


def written(context: SpanContext) -> str:
    """The span as `traceparent` has it."""
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags & TraceFlags.SAMPLED:02x}"


def headers_of(traceparent: str) -> Headers:
    """The header of a message in this trace; none for the empty string."""
    return ((TRACEPARENT, traceparent.encode()),) if traceparent else ()


def message_span_id(topic: str, key: bytes | None, offset: int) -> int:
    """The id of the span of a message: the same whoever handles it, and how often.

    So a message that the next worker decides again, since the last one died, is the same span, and what both of them
    sent has the same parent.
    """
    made = blake2b(b"%b\0%b\0%d" % (topic.encode(), key or b"", offset), digest_size=8).digest()
    return int.from_bytes(made) or 1
