"""The commands of `faust -A app.main …`: they speak HTTP to running workers, and need neither Kafka nor MongoDB.

Only `audit` reads both by itself, since it must not take the workers' word for anything; and `dlq` speaks to Kafka, so
that letters can be read and sent on while no worker runs.

Named here, so that one that is broken stops the start.
"""

from app.cli import audit, cancel, dlq, inspect, load, place, seed, stock

__all__ = ["audit", "cancel", "dlq", "inspect", "load", "place", "seed", "stock"]
