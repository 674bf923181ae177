"""The commands of `faust -A app.main …`: they speak HTTP to running workers, and need neither Kafka nor MongoDB.

Only `audit` reads both by itself, since it must not take the workers' word for anything; `dlq` speaks to Kafka, so that
letters can be read and sent on while no worker runs; and `projection` writes MongoDB anew from Kafka.

Named here, so that one that is broken stops the start.
"""

from app.cli import audit, cancel, cluster, dlq, inspect, load, place, projection, seed, stock, worker

__all__ = ["audit", "cancel", "cluster", "dlq", "inspect", "load", "place", "projection", "seed", "stock", "worker"]
