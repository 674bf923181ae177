"""The commands of `faust -A app.main …`: they speak HTTP to running workers, and need neither Kafka nor MongoDB.

Named here, so that one that is broken stops the start.
"""

from app.cli import cancel, inspect, load, place, seed, stock

__all__ = ["cancel", "inspect", "load", "place", "seed", "stock"]
