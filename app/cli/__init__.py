"""The commands of `faust -A app.main …`: they speak HTTP to running workers, and need neither Kafka nor MongoDB.

Only `audit` reads both by itself, since it must not take the workers' word for anything; `dlq` speaks to Kafka, so that
letters can be read and sent on while no worker runs; `projection` writes MongoDB anew from Kafka; and `keys` keeps the
API keys in MongoDB.

Named here, so that one that is broken stops the start.
"""

from app.cli import audit, cancel, cluster, dlq, inspect, keys, load, place, projection, seed, stock, token, worker

__all__ = [
    "audit",
    "cancel",
    "cluster",
    "dlq",
    "inspect",
    "keys",
    "load",
    "place",
    "projection",
    "seed",
    "stock",
    "token",
    "worker",
]
