"""REST: the contract's calls, one module a resource. Named here, so that one that is broken stops the start."""

from views import api_docs, cluster, edge, health, inventory, metrics, orders, payments, serving, shipping, tables

__all__ = [
    "api_docs",
    "cluster",
    "edge",
    "health",
    "inventory",
    "metrics",
    "orders",
    "payments",
    "serving",
    "shipping",
    "tables",
]
