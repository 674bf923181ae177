"""The changelog-backed tables, one module each. Named here, so that one that is broken stops the start."""

from tables.answers import answers
from tables.inventory import inventory
from tables.orders import orders
from tables.payments import payments
from tables.shipments import shipments

__all__ = ["answers", "inventory", "orders", "payments", "shipments"]
