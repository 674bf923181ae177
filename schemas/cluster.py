"""What workers tell of themselves, and of each other: the bodies of `GET /cluster`."""

from __future__ import annotations

from schemas.http import Answer, TableAnswer


class PartitionAnswer(Answer):
    """A partition as its owner has it: the offset of the `next` message to finish, the log's `end`, the difference.

    `end` and `lag` are null while Kafka does not say.
    """

    topic: str
    partition: int
    next: int
    end: int | None
    lag: int | None


class RecoveryAnswer(Answer):
    """How far the tables are read back from their changelogs: `read` of `end` records, at the last time."""

    running: bool
    read: int
    end: int


class WorkerAnswer(Answer):
    """One worker. `state` is as in `/health`; `instance_id` is empty unless it has a lasting name in the group.

    `rebalances` counts those since it started, `up_s` ago; `generation` is the group's, or -1 before the first.
    """

    url: str
    state: str
    instance_id: str
    generation: int
    rebalances: int
    up_s: int
    partitions: tuple[PartitionAnswer, ...]
    tables: tuple[TableAnswer, ...]
    recovery: RecoveryAnswer


class UnownedAnswer(Answer):
    """The partitions of a topic that no worker that answered holds: they are moving, or their owner is lost."""

    topic: str
    partitions: tuple[int, ...]


class ClusterAnswer(Answer):
    """All workers that hold partitions. `silent` are the addresses of those that did not answer in time."""

    workers: tuple[WorkerAnswer, ...]
    silent: tuple[str, ...]
    unowned: tuple[UnownedAnswer, ...]
