"""A receiver of spans, as a collector is one: over HTTP, in OTLP's own form."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Received(NamedTuple):
    """One span, and the worker it came from."""

    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    attributes: dict[str, Any]
    links: list[str]
    failed: bool
    instance: str


class Receiver:
    """What has come so far; `url` is where it is to be sent."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._spans: list[Received] = []
        self._lock = threading.Lock()

    def trace(self, trace_id: str) -> list[Received]:
        """The spans of one trace."""
        with self._lock:
            return [span for span in self._spans if span.trace_id == trace_id]

    def named(self, name: str) -> list[Received]:
        """The spans of one name."""
        with self._lock:
            return [span for span in self._spans if span.name == name]

    def take(self, body: bytes) -> None:
        """Take in one request."""
        request = ExportTraceServiceRequest.FromString(body)
        with self._lock:
            for resource in request.resource_spans:
                instance = _attributes(resource.resource)["service.instance.id"]
                self._spans += [_received(span, instance) for scope in resource.scope_spans for span in scope.spans]


def orphans(spans: list[Received]) -> list[Received]:
    """Those whose parent is not among them, but for the first of all."""
    known = {span.span_id for span in spans}
    return [span for span in spans if span.parent_id and span.parent_id not in known]


def _attributes(of: Any) -> dict[str, Any]:
    return {it.key: getattr(it.value, it.value.WhichOneof("value")) for it in of.attributes}


def _received(span: Any, instance: str) -> Received:
    return Received(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.name,
        span.kind,
        _attributes(span),
        [link.trace_id.hex() for link in span.links],
        span.status.code == span.status.STATUS_CODE_ERROR,
        instance,
    )


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive until the end of the body, on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            receiver.take(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver = Receiver(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
