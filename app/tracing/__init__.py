"""Traces of orders by OpenTelemetry: one an order, from its request to its last state.

Off unless `OTEL_TRACES_EXPORTER` says where spans go; the rest follows the standard `OTEL_*` variables.
"""
