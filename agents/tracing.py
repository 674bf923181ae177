"""Tracing: has the delivery layer tell of each message, where traces are recorded at all."""

from __future__ import annotations

from app.main import app, settings, spans
from app.tracing.messages import MessageTracer

if spans.are_made:
    app.tracing = MessageTracer(spans, settings.app_id)
