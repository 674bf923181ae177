"""Makes topics before a worker starts: Faust makes only its own, and a send to a missing one hangs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple


class NewTopicSpec(NamedTuple):
    """A topic as it must be: `config` holds Kafka's own topic settings, as strings."""

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = {}


class TopicMismatch(Exception):  # noqa: N818 - a fact, not a fault
    """A topic is there with another number of partitions: keys would land elsewhere."""


def ensure_topics(bootstrap: str, specs: Sequence[NewTopicSpec], *, timeout_s: float = 30.0) -> None:
    """Make the topics that are missing; blocking, and safe to call from many processes at once.

    Raises `TopicMismatch` for one that has another partition count, `KafkaException` when the broker can't.
    """
    raise NotImplementedError
