"""REST: the contract's calls, one module a resource. Named here, so that one that is broken stops the start."""

from views import edge, health, inventory, orders, payments, shipping, tables

__all__ = ["edge", "health", "inventory", "orders", "payments", "shipping", "tables"]
