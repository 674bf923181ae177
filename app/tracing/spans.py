"""Makes spans and sends them, by OpenTelemetry's SDK.

What the exporter has trouble with touches no order: spans wait in a bounded queue for a thread of its own, and are
dropped when that is full.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, cast

from opentelemetry.context import Context
from opentelemetry.trace import Link, NonRecordingSpan, Span, SpanContext, SpanKind, Tracer, set_span_in_context

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

EXPORTERS: Final = ("none", "otlp", "console")
NAME: Final = "order-processor"

Attributes = Mapping[str, str | int]


class _Ids:
    """Random ids, but for a span whose id is given. An `IdGenerator` in all but name: to import that takes its time."""

    given: int | None = None

    def generate_span_id(self) -> int:
        """The one that is given, or any."""
        return self.given or secrets.randbits(64) or 1

    def generate_trace_id(self) -> int:
        """Any."""
        return secrets.randbits(128) or 1

    def is_trace_id_random(self) -> bool:
        """Yes."""
        return True


class Spans:
    """`environment` has the `OTEL_*` variables, most of which the SDK reads by itself.

    `service` is the name if they give none, `instance` tells the worker from others. Raises `ValueError` for an
    exporter that is not there.
    """

    def __init__(self, environment: Mapping[str, str], service: str, instance: str) -> None:
        self._exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower() or "none"
        if self._exporter not in EXPORTERS:
            raise ValueError(f"OTEL_TRACES_EXPORTER must be one of {', '.join(EXPORTERS)}, not {self._exporter!r}")
        if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
            self._exporter = "none"
        self.are_made = self._exporter != "none"
        """Whether they go anywhere."""
        self._resource = {"service.name": environment.get("OTEL_SERVICE_NAME") or service}
        self._resource["service.instance.id"] = instance
        self._ids = _Ids()

    @cached_property
    def _provider(self) -> TracerProvider:
        # Not before the first span: commands make none, and each of these imports takes its time.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter

        resource, ids = Resource.create(self._resource), cast(Any, self._ids)
        made = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=ids)
        exporter = ConsoleSpanExporter() if self._exporter == "console" else OTLPSpanExporter()
        made.add_span_processor(BatchSpanProcessor(exporter))
        return made

    @cached_property
    def _tracer(self) -> Tracer:
        return self._provider.get_tracer(NAME)

    def start(
        self,
        name: str,
        kind: SpanKind,
        parent: SpanContext | None,
        attributes: Attributes,
        *,
        span_id: int | None = None,
        link: SpanContext | None = None,
        start_ns: int | None = None,
    ) -> Span:
        """Begin a span; it may turn out not to be recorded. One that has no `parent` begins a trace."""
        context = Context() if parent is None else set_span_in_context(NonRecordingSpan(parent), Context())
        links = () if link is None else (Link(link),)
        self._ids.given = span_id
        try:
            return self._tracer.start_span(name, context, kind, dict(attributes), links, start_time=start_ns)
        finally:
            self._ids.given = None

    def samples(self, trace_id: int) -> bool:
        """Whether a trace of this id is recorded when it begins here."""
        decision: Any = self._provider.sampler.should_sample(None, trace_id, NAME).decision
        return bool(decision.is_sampled())

    def close(self, limit_s: float) -> None:
        """Send what is not sent yet, for at most so long; what takes longer is lost."""
        if "_provider" not in self.__dict__:
            return
        flush = threading.Thread(target=self._provider.force_flush, name="last spans", daemon=True)
        flush.start()
        flush.join(limit_s)
