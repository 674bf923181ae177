"""The Faust app that keeps its promise: no event lost, none acknowledged before what it caused is safe."""

from collections.abc import Sequence
from typing import Any

import faust

from app.delivery.front import Front
from app.delivery.stats import Stats
from app.delivery.topics import NewTopicSpec


class DeliveryApp(faust.App):
    """A Faust app whose consumer, recovery and producer close the four holes.

    `bootstrap` is "host:port[,host:port]"; `topics` are made before the consumer starts, as are the
    changelogs of the tables. `delivery_timeout_s` is how long a slice may wait for the broker before the
    worker gives up, `front_timeout_s` the same for a request. Everything else goes to Faust.
    """

    front: Front
    stats: Stats

    def __init__(
        self,
        id: str,
        *,
        bootstrap: str,
        topics: Sequence[NewTopicSpec] = (),
        delivery_timeout_s: float = 120.0,
        front_timeout_s: float = 4.0,
        compaction_lag_s: float = 6 * 3600.0,
        replication: int = 1,
        **options: Any,
    ) -> None:
        raise NotImplementedError
