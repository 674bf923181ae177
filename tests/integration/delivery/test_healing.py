"""A changelog into which a worker that should be dead has written: the right row is written again, and survives.

The paused worker's late record is put there by hand: that it can happen is what matters, not how often.
"""

import json

from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType
from harness import Broker, Record, StartWorker, Worker, wait_until
from load import wait_drained

ONE_PARTITION = {"PARTITIONS": "1"}


def count(broker: Broker, app_id: str, key: str, *ids: int) -> None:
    broker.produce(f"{app_id}-in", [(key.encode(), json.dumps({"id": number}).encode()) for number in ids])
    wait_drained(broker, app_id)


def rows_of(broker: Broker, app_id: str, key: str) -> list[Record]:
    return [record for record in broker.read(f"{app_id}-counts-changelog") if record.key == key.encode()]


def last_version(broker: Broker, app_id: str, key: str) -> int:
    return int(json.loads(rows_of(broker, app_id, key)[-1].value or b"")["version"])


def write_the_first_row_again(broker: Broker, app_id: str, key: str) -> None:
    """As a worker does that had the row's first version in its hands when it was paused."""
    old = rows_of(broker, app_id, key)[0]
    write_again(broker, app_id, old.key, old.value or b"")
    assert last_version(broker, app_id, key) == 1


def block_and_drop(broker: Broker, app_id: str, key: str) -> tuple[bytes, bytes]:
    """A message that raises blocks its key, and is dropped; returns its entry's changelog key and first value."""
    broker.produce(f"{app_id}-in", [(key.encode(), b"{}")])
    wait_drained(broker, app_id)
    (entry,) = entries_of(broker, app_id)
    producer = broker.producer()
    producer.produce(f"{app_id}-in", b"", key.encode(), 0, headers=[("x-drop-of", f"{app_id}-in-0-0".encode())])
    assert producer.flush(10) == 0
    wait_drained(broker, app_id)
    return entry.key, entry.value or b""


def entries_of(broker: Broker, app_id: str) -> list[Record]:
    return [record for record in broker.read(f"{app_id}-counts-changelog") if record.key.startswith(b"\xff")]


def write_again(broker: Broker, app_id: str, key: bytes, value: bytes) -> None:
    producer = broker.producer()
    producer.produce(f"{app_id}-counts-changelog", key=key, value=value, partition=0)
    assert producer.flush(10) == 0


def healed(worker: Worker) -> int:
    return int(worker.state()["stats"]["healed"])


def test_a_live_owner_writes_an_overwritten_row_again(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a", **ONE_PARTITION).wait_ready()
    count(broker, app_id, "overwritten", 0)
    count(broker, app_id, "overwritten", 1)
    write_the_first_row_again(broker, app_id, "overwritten")
    count(broker, app_id, "another", 2)

    wait_until(lambda: healed(worker) == 1, 15, "the row is written again")
    assert last_version(broker, app_id, "overwritten") == 2


def test_a_row_that_never_was_is_deleted_again(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a", **ONE_PARTITION).wait_ready()
    count(broker, app_id, "k", 0)
    write_again(broker, app_id, b"gone", b'{"version": 7, "ids": []}')
    count(broker, app_id, "k", 1)

    wait_until(lambda: healed(worker) == 1, 15, "the row is deleted again")
    assert rows_of(broker, app_id, "gone")[-1].value is None


def test_an_undisturbed_owner_heals_nothing(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a", **ONE_PARTITION).wait_ready()
    for number in range(20):
        count(broker, app_id, f"k{number % 3}", number)
    worker.term()
    worker.start().wait_ready()
    count(broker, app_id, "k0", 20)
    assert healed(worker) == 0
    assert len(broker.read(f"{app_id}-counts-changelog")) <= 21


def test_the_next_owner_heals_and_compaction_then_keeps_the_right_row(
    broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    worker = start_worker("a", **ONE_PARTITION).wait_ready()
    count(broker, app_id, "overwritten", 0)
    count(broker, app_id, "overwritten", 1)
    worker.kill()
    write_the_first_row_again(broker, app_id, "overwritten")
    worker.start().wait_ready()
    wait_until(lambda: healed(worker) == 1, 15, "the row is written again")
    assert last_version(broker, app_id, "overwritten") == 2

    compact_at_once(broker, f"{app_id}-counts-changelog")
    numbers = iter(range(2, 1000))

    def only_one_is_left() -> bool:
        count(broker, app_id, "roll", next(numbers))  # a segment is rolled, and may be compacted, when one more comes
        return len(rows_of(broker, app_id, "overwritten")) == 1

    wait_until(only_one_is_left, 90, "the changelog is compacted")
    assert last_version(broker, app_id, "overwritten") == 2


def test_an_entry_of_a_queue_is_healed_deleted_and_never_comes_back(
    broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    worker = start_worker("a", **ONE_PARTITION).wait_ready()
    entry, first = block_and_drop(broker, app_id, "blocked")
    write_again(broker, app_id, entry, first)
    count(broker, app_id, "another", 1)
    wait_until(lambda: healed(worker) == 1, 15, "the entry is written again")
    gone = [record for record in entries_of(broker, app_id) if b"true" in (record.value or b"")]
    assert entries_of(broker, app_id)[-1] == gone[-1], "by the owner that lives"

    worker.kill()
    write_again(broker, app_id, entry, first)
    worker.start().wait_ready()
    wait_until(lambda: entries_of(broker, app_id)[-1].value is None, 15, "what was overwritten is deleted by the next")
    worker.kill()
    write_again(broker, app_id, entry, first)
    worker.start().wait_ready()
    wait_until(lambda: entries_of(broker, app_id)[-1].value is None, 15, "also behind its deletion")
    count(broker, app_id, "blocked", 2)
    assert last_version(broker, app_id, "blocked") == 1, "nothing waits any more"

    compact_at_once(broker, f"{app_id}-counts-changelog")
    numbers = iter(range(3, 1000))

    def only_the_deletion_is_left() -> bool:
        count(broker, app_id, "roll", next(numbers))
        return all(record.value is None for record in entries_of(broker, app_id))

    wait_until(only_the_deletion_is_left, 90, "the changelog is compacted")


def compact_at_once(broker: Broker, topic: str) -> None:
    eager = {
        "min.compaction.lag.ms": "0",
        "segment.ms": "100",
        "min.cleanable.dirty.ratio": "0.001",
        "max.compaction.lag.ms": "200",
    }
    entries = [ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in eager.items()]
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=entries)
    admin.incremental_alter_configs([resource])[resource].result(timeout=10)
