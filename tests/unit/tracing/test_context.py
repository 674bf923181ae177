"""Trace contexts as text, and the ids of the spans of messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.trace import SpanContext, TraceFlags

from app.delivery import traceparent_in
from app.tracing.context import headers_of, message_span_id, parsed, written

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@given(st.integers(1, 2**128 - 1), st.integers(1, 2**64 - 1), st.booleans())
def test_what_is_written_is_parsed_again(trace_id: int, span_id: int, sampled: bool) -> None:
    context = SpanContext(trace_id, span_id, is_remote=True, trace_flags=TraceFlags(int(sampled)))
    assert parsed(written(context)) == context


@pytest.mark.parametrize(
    "traceparent",
    [
        "",
        "00",
        TRACEPARENT[:-1],
        TRACEPARENT.upper(),
        TRACEPARENT + "-more",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01",
    ],
)
def test_what_names_no_span_is_none(traceparent: str) -> None:
    assert parsed(traceparent) is None


def test_a_message_carries_it_as_a_header() -> None:
    assert traceparent_in([("x", b"y"), *headers_of(TRACEPARENT)]) == TRACEPARENT
    assert headers_of("") == ()
    assert traceparent_in([("traceparent", b"\xff\x00")]) == ""


def test_a_message_has_one_span_and_no_two_share_it() -> None:
    one = message_span_id("orders", b"o-1", 7)
    assert one == message_span_id("orders", b"o-1", 7)
    others = {
        message_span_id("orders", b"o-1", 8),
        message_span_id("orders", b"o-2", 7),
        message_span_id("o", b"o-1", 7),
    }
    assert one not in others
    assert len(others) == 3
    assert 0 < message_span_id("orders", None, 0) < 2**64
