"""The commands of `faust -A app.main …`: they speak HTTP to running workers, and need neither Kafka nor MongoDB.

Only `audit` reads both by itself: it must not take the workers' word for anything.

Named here, so that one that is broken stops the start.
"""

from app.cli import audit, cancel, inspect, load, place, seed, stock

__all__ = ["audit", "cancel", "inspect", "load", "place", "seed", "stock"]
