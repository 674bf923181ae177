"""Makes topics before a worker starts: Faust makes only its own, and a send to a missing one hangs."""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import NamedTuple

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic  # not exported for type checkers where the docs have it

from app.delivery.security import OPEN, Security

RETRY_S = 0.2


class NewTopicSpec(NamedTuple):
    """A topic as it must be: `config` holds Kafka's own topic settings, as strings.

    What is written to it must be on all its replicas but one, if `config` does not say otherwise.
    """

    name: str
    partitions: int
    replication: int = 1
    config: Mapping[str, str] = {}


class TopicMismatch(Exception):
    """A topic is there with another number of partitions: keys would land elsewhere."""


def ensure_topics(
    bootstrap: str, specs: Sequence[NewTopicSpec], *, security: Security = OPEN, timeout_s: float = 30.0
) -> None:
    """Make the topics that are missing; blocking, and safe to call from many processes at once.

    Raises `TopicMismatch` for one that has another partition count, `KafkaException` when the broker can't.
    """
    admin = AdminClient({**security.clients(), "bootstrap.servers": bootstrap})
    existing = admin.list_topics(timeout=timeout_s).topics
    for spec in specs:
        known = existing.get(spec.name)
        if known is not None and len(known.partitions) != spec.partitions:
            raise TopicMismatch(
                f"topic {spec.name!r} has {len(known.partitions)} partitions, not {spec.partitions}: "
                "give the number it has, or make the topics anew under another name"
            )
    missing = [
        NewTopic(spec.name, spec.partitions, spec.replication, config=_config(spec))
        for spec in specs
        if spec.name not in existing
    ]
    until_s = time.monotonic() + timeout_s
    while missing:
        made = admin.create_topics(missing, operation_timeout=timeout_s)
        refused = {name: exc for name, future in made.items() if (exc := _failure(future, timeout_s)) is not None}
        for exc in refused.values():
            # A broker that has just begun answers before it counts itself among those that can have a replica.
            if exc.args[0].code() != KafkaError.INVALID_REPLICATION_FACTOR or time.monotonic() > until_s:
                raise exc
        missing = [topic for topic in missing if topic.topic in refused]
        time.sleep(RETRY_S if missing else 0.0)


def _config(spec: NewTopicSpec) -> dict[str, str]:
    return {"min.insync.replicas": str(max(1, spec.replication - 1)), **spec.config}


def _failure(made: Future[None], timeout_s: float) -> KafkaException | None:
    try:
        made.result(timeout=timeout_s)
    except KafkaException as exc:
        return None if exc.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS else exc  # another worker was quicker
    return None
