"""The spans of messages, as they come to an exporter: each once, in its order's trace, when all it caused is safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from app import topics
from app.adapters.outcome import OutcomeUnknown, Verdict
from app.delivery import Effects, Headers, traceparent_in
from app.participants.orders import decide
from app.tracing.calls import TracedCalls
from app.tracing.context import message_span_id
from app.tracing.messages import MessageTracer
from app.tracing.spans import Spans
from schemas.codec import encode
from schemas.commands import CancelOrder, PlaceOrder, ReserveStock

TRACE, ANOTHER = "4bf92f3577b34da6a3ce929d0e0e4736", "0af7651916cd43dd8448eb211c80319c"
SPAN = "00f067aa0ba902b7"
PLACE = PlaceOrder("o1", user_id="u", items=(("tea", 1),), fingerprint="f")


def traced(trace_id: str, flags: str = "01") -> Headers:
    return (("traceparent", f"00-{trace_id}-{SPAN}-{flags}".encode()),)


@dataclass(frozen=True)
class Message:
    offset: int
    value: bytes
    headers: Headers = ()
    topic: str = topics.ORDERS
    partition: int = 3
    timestamp: int = 5
    key: bytes = b"o1"


class Recorded(Spans):
    """Spans that are kept. `ratio` is how many of all traces are recorded that begin here."""

    def __init__(self, ratio: float = 1.0) -> None:
        super().__init__({"OTEL_TRACES_EXPORTER": "otlp"}, "shop", "here")
        self._kept = InMemorySpanExporter()
        ids: Any = self._ids
        provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(ratio)), id_generator=ids)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.__dict__["_provider"] = provider

    @property
    def made(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())


def taken(spans: Recorded, rows: dict[str, Any], message: Message) -> str:
    """Decide, keep the rows, say that all is safe; returns what goes on with what it causes."""
    span = MessageTracer(spans, "shop").begin(message, rows)
    effects = decide(rows, message)
    rows.update(effects.rows)
    if span is None:
        return ""
    span.decided(effects, parked=False)
    span.safe()
    return traceparent_in(span.headers)


def test_a_message_is_a_span_of_its_own_below_what_sent_it() -> None:
    spans = Recorded()
    onward = taken(spans, {}, Message(7, encode(PLACE), traced(TRACE)))
    [span] = spans.made
    assert span.name == f"process {topics.ORDERS}"
    assert span.parent is not None
    assert format(span.parent.span_id, "016x") == SPAN
    own = message_span_id(topics.ORDERS, b"o1", 7)
    assert (format(span.context.trace_id, "032x"), span.context.span_id) == (TRACE, own)
    assert onward == f"00-{TRACE}-{own:016x}-01"
    told = dict(span.attributes or {})
    assert (told["order.id"], told["order.message"], told["order.status"]) == ("o1", "order.place.v1", "PENDING")
    assert (told["messaging.destination.partition.id"], told["messaging.kafka.offset"]) == ("3", 7)


def test_a_message_that_is_decided_again_is_the_same_span() -> None:
    message = Message(7, encode(PLACE), traced(TRACE))
    assert taken(Recorded(), {}, message) == taken(Recorded(), {}, message) != ""


def test_nothing_is_sent_before_all_is_safe() -> None:
    spans = Recorded()
    span = MessageTracer(spans, "shop").begin(Message(7, encode(PLACE), traced(TRACE)), {})
    assert span is not None
    span.decided(Effects(), parked=False)
    assert spans.made == []
    span.safe()
    assert len(spans.made) == 1


def test_a_parked_message_is_an_error() -> None:
    spans = Recorded()
    span = MessageTracer(spans, "shop").begin(Message(7, b"rubbish", traced(TRACE)), {})
    assert span is not None
    span.decided(Effects(), parked=True)
    span.safe()
    assert not spans.made[0].status.is_ok


def test_what_another_trace_does_to_an_order_belongs_to_the_orders() -> None:
    spans, rows = Recorded(), dict[str, Any]()
    taken(spans, rows, Message(7, encode(PLACE), traced(TRACE)))
    taken(spans, rows, Message(9, encode(CancelOrder("o1")), traced(ANOTHER)))
    cancelled = spans.made[1]
    assert format(cancelled.context.trace_id, "032x") == TRACE
    assert cancelled.parent is not None
    assert cancelled.parent.span_id == message_span_id(topics.ORDERS, b"o1", 7)
    assert [format(link.context.trace_id, "032x") for link in cancelled.links] == [ANOTHER]


def test_a_message_without_a_trace_belongs_to_its_orders() -> None:
    spans, rows = Recorded(), dict[str, Any]()
    taken(spans, rows, Message(7, encode(PLACE), traced(TRACE)))
    assert TRACE in taken(spans, rows, Message(9, encode(CancelOrder("o1"))))


@pytest.mark.parametrize("headers", [(), traced(TRACE, "00"), (("traceparent", b"rubbish"),)])
def test_what_is_not_recorded_makes_no_span(headers: Headers) -> None:
    spans, rows = Recorded(ratio=0.0), dict[str, Any]()
    taken(spans, rows, Message(7, encode(PLACE), headers))
    taken(spans, rows, Message(9, encode(CancelOrder("o1"))))
    assert spans.made == []


def test_the_order_of_a_line_is_found_in_the_message() -> None:
    spans = Recorded()
    reserve = Message(1, encode(ReserveStock("o1", "tea", quantity=1)), traced(TRACE), topics.INVENTORY, key=b"tea")
    MessageTracer(spans, "shop").followed([reserve, Message(2, encode(PLACE))], 1)
    [span] = spans.made
    told = dict(span.attributes or {})
    assert (told["order.id"], told["messaging.kafka.message.key"], span.start_time) == ("o1", "tea", 1)


async def test_each_attempt_at_a_call_is_a_span_and_the_last_goes_on() -> None:
    spans = Recorded()
    calls = TracedCalls(spans, "bank", "authorize", "o1", f"00-{TRACE}-{SPAN}-01")

    async def at_the_second(number: int) -> Verdict:
        if number == 1:
            raise OutcomeUnknown("no answer")
        return Verdict(ok=True)

    attempt = calls.around(at_the_second)
    with pytest.raises(OutcomeUnknown):
        await attempt(1)
    await attempt(2)
    first, second = spans.made
    assert [dict(it.attributes or {})["call.attempt"] for it in spans.made] == [1, 2]
    assert (first.name, first.status.is_ok, second.status.is_ok) == ("authorize bank", False, True)
    assert calls.trace == f"00-{TRACE}-{second.context.span_id:016x}-01"


async def test_a_call_of_no_trace_hands_on_what_it_got() -> None:
    spans = Recorded()
    for trace in ("", f"00-{TRACE}-{SPAN}-00"):
        calls = TracedCalls(spans, "bank", "void", "o1", trace)

        async def done(_number: int) -> Verdict:
            return Verdict(ok=True)

        assert await calls.around(done)(1) == Verdict(ok=True)
        assert calls.trace == trace
    assert spans.made == []


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, False),
        ({"OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_TRACES_EXPORTER": "OTLP"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, False),
    ],
)
def test_it_is_off_unless_it_is_said_where_spans_go(environment: dict[str, str], expected: bool) -> None:
    assert Spans(environment, "shop", "here").are_made is expected


def test_an_exporter_that_is_not_there_is_a_clear_error() -> None:
    with pytest.raises(ValueError, match="OTEL_TRACES_EXPORTER must be one of none, otlp, console, not 'zipkin'"):
        Spans({"OTEL_TRACES_EXPORTER": "zipkin"}, "shop", "here")
