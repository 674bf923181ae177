"""One saga participant each. Named here, so that one that is broken stops the start."""

from agents import answers, inventory, orders, payments, progress, projection, shipping, tracing

__all__ = ["answers", "inventory", "orders", "payments", "progress", "projection", "shipping", "tracing"]
