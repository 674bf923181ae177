"""Makes topics before a worker starts: Faust makes only its own, and a send to a missing one hangs."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic  # not exported for type checkers where the docs have it


class NewTopicSpec(NamedTuple):
    """A topic as it must be: `config` holds Kafka's own topic settings, as strings."""

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = {}


class TopicMismatch(Exception):
    """A topic is there with another number of partitions: keys would land elsewhere."""


def ensure_topics(bootstrap: str, specs: Sequence[NewTopicSpec], *, timeout_s: float = 30.0) -> None:
    """Make the topics that are missing; blocking, and safe to call from many processes at once.

    Raises `TopicMismatch` for one that has another partition count, `KafkaException` when the broker can't.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap})
    existing = admin.list_topics(timeout=timeout_s).topics
    for spec in specs:
        known = existing.get(spec.name)
        if known is not None and len(known.partitions) != spec.partitions:
            raise TopicMismatch(
                f"topic {spec.name!r} has {len(known.partitions)} partitions, not {spec.partitions}: "
                "give the number it has, or make the topics anew under another name"
            )
    missing = [
        NewTopic(spec.name, spec.partitions, spec.replication, config=dict(spec.config))
        for spec in specs
        if spec.name not in existing
    ]
    if not missing:
        return
    for made in admin.create_topics(missing, operation_timeout=timeout_s).values():
        try:
            made.result(timeout=timeout_s)
        except KafkaException as exc:
            if exc.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:  # another worker was quicker
                raise
