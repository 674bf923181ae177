"""What a tracer is told of the way of a message, and how a trace goes on where nobody traces."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

from app.delivery.contract import ConsumerRecord, Effects, Headers, Rows

TRACEPARENT: Final = "traceparent"
"""The header of W3C Trace Context, in messages as in requests."""

_FORM: Final = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


class Span(Protocol):
    """One message in the hands of its participant. `headers` go with all that it causes."""

    @property
    def headers(self) -> Headers: ...  # noqa: D102 - says what it says

    def decided(self, effects: Effects, *, parked: bool) -> None:
        """This is what it causes; `parked`: a dead letter."""

    def safe(self) -> None:
        """All of that is in every in-sync replica. One that never comes to this is decided again by another worker."""


class Tracer(Protocol):
    """Must not raise, nor wait for anybody."""

    def begin(self, record: ConsumerRecord, rows: Rows) -> Span | None:
        """A message is about to be decided on; None when its trace is not recorded."""

    def followed(self, records: Sequence[ConsumerRecord], began_ns: int) -> None:
        """A follower has applied these records, which it began at that time, in nanoseconds since 1970."""

    def close(self, limit_s: float) -> None:
        """Send what is not sent yet, for at most so long."""


def readable(traceparent: bytes) -> str:
    """The header's value as text; empty when it has not the form."""
    return traceparent.decode("ascii") if _FORM.fullmatch(traceparent) else ""


def traceparent_in(headers: Headers) -> str:
    """The `traceparent` of a message; empty when it has none that can be read."""
    for name, value in headers:
        if name == TRACEPARENT and (found := readable(value)):
            return found
    return ""


def trace_id_of(traceparent: str) -> str:
    """The id of its trace, in hex; empty of the empty one."""
    return traceparent[3:35]


def onward(headers: Headers) -> Headers:
    """What a message's own headers hand on to what it causes: the trace it belongs to, if that can be read."""
    traceparent = traceparent_in(headers) if headers else ""
    return ((TRACEPARENT, traceparent.encode()),) if traceparent else ()
