"""The stream in numbers: what the delivery layer counts, and how far each partition is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from app.delivery import Stats
from app.delivery.inside import Progress, Recovered
from app.delivery.waited import Waited
from app.metrics.shapes import buckets_of

COUNTERS: Final = {
    "slices": "Slices of messages that were decided.",
    "messages": "Messages that were decided.",
    "gaps": "Times that the consumer skipped offsets, which were read again.",
    "holes": "Times that the log itself lacked offsets.",
    "seekbacks": "Times that records were read again because some before them had been skipped.",
    "stale": "Batches that came for partitions that had left.",
    "dropped": "Records that waited for their agent when their partitions left.",
    "pauses": "Times that a partition's fetching was paused, because its agent was behind.",
    "purges": "Times that unacknowledged records were taken back.",
    "resends": "Records that were sent again after the broker was away.",
    "stepbacks": "Rows of a changelog that were older than what it held before.",
    "healed": "Rows that somebody else had overwritten, written again.",
    "forgotten": "Rows whose time was over, deleted.",
    "revoke_timeouts": "Times that partitions left before all was acknowledged.",
    "timers_rung": "Reminders and deadlines that were sent.",
    "replayed": "Dead letters that were replayed and decided.",
    "released": "Dead letters that were dropped from a queue.",
    "calls_started": "Calls to the world outside that were begun.",
}
"""The attributes of `Stats` that only grow, and what they count. Those of dead letters have a name of their own."""


class Group(NamedTuple):
    """This worker in its group: how often partitions were shared out since it started, and its last recovery.

    `commit_age_s` is how long ago it last committed, while something waits for it.
    """

    rebalances: int
    recovered: Recovered
    commit_age_s: float = 0.0


class StreamNumbers:
    """`look` before each scrape: where the log ends, only the broker knows."""

    def __init__(self, stats: Stats) -> None:
        self._stats = stats
        self._progress: Sequence[Progress] = ()
        self._group: Group | None = None
        self._blocked: dict[str, int] = {}
        self._waited: Mapping[str, Waited] = {}

    def look(
        self, progress: Sequence[Progress], group: Group, blocked: dict[str, int], waited: Mapping[str, Waited]
    ) -> None:
        """How far the partitions are; how many keys are blocked, and how long messages have waited, by topic."""
        self._progress, self._group, self._blocked, self._waited = progress, group, blocked, waited

    def collect(self) -> Iterator[Metric]:
        """The samples as of the last look."""
        for name, meaning in COUNTERS.items():
            yield CounterMetricFamily(f"delivery_{name}", meaning, getattr(self._stats, name))
        yield self._letters()
        yield GaugeMetricFamily("delivery_calls_running", "Calls that are under way.", self._stats.calls_running)
        yield from self._partitions()
        blocked = GaugeMetricFamily(
            "delivery_blocked_keys", "Keys whose messages wait behind one that failed.", labels=["topic"]
        )
        for topic, count in self._blocked.items():
            blocked.add_metric([topic], count)
        yield blocked
        waited = HistogramMetricFamily(
            "delivery_waited_seconds",
            "From when the oldest message of each batch came into the log to when its agent took it.",
            labels=["topic"],
        )
        for topic, it in self._waited.items():
            waited.add_metric([topic], buckets_of(it), it.sum_s)
        yield waited
        if self._group is not None:
            yield from self._of_group(self._group)

    def _letters(self) -> Metric:
        stats = self._stats
        letters = CounterMetricFamily("delivery_dead_letters", "Dead letters that were written.", labels=["kind"])
        refused = stats.parked - stats.failed - stats.waiting
        for kind, count in (("refused", refused), ("failed", stats.failed), ("waiting", stats.waiting)):
            letters.add_metric([kind], count)
        return letters

    def _partitions(self) -> Iterator[Metric]:
        labels = ["topic", "partition"]
        position = GaugeMetricFamily("delivery_position", "The offset of the next message to finish.", labels=labels)
        lag = GaugeMetricFamily(
            "delivery_lag", "Messages that are not finished. Missing while Kafka is away.", labels=labels
        )
        for it in self._progress:
            position.add_metric([it.topic, str(it.partition)], it.next)
            if it.lag is not None:
                lag.add_metric([it.topic, str(it.partition)], it.lag)
        yield position
        yield lag

    @staticmethod
    def _of_group(group: Group) -> Iterator[Metric]:
        yield CounterMetricFamily("delivery_rebalances", "Times that partitions were shared out.", group.rebalances)
        yield GaugeMetricFamily(
            "delivery_recovering", "1 while tables are read from their changelogs.", float(group.recovered.running)
        )
        yield GaugeMetricFamily(
            "delivery_commit_age_seconds", "Since the last commit, while something waits for it.", group.commit_age_s
        )
        left = group.recovered.end - group.recovered.read
        yield GaugeMetricFamily("delivery_recovery_left", "Changelog records that are still to be read.", left)
