"""Tables are read to their ends, whatever the group does meanwhile, and stay as they are where a partition stays."""

import json

from harness import Broker, StartWorker, wait_until
from load import wait_drained

VERSIONS, KEYS = 60, 400


def test_a_rebalance_during_recovery_skips_no_row(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    broker.create(f"{app_id}-in", f"{app_id}-out", f"{app_id}-counts-changelog")
    rows = [
        (b"k%d" % key, json.dumps({"version": version, "ids": []}).encode())
        for version in range(1, VERSIONS + 1)
        for key in range(KEYS)
    ]
    broker.produce(f"{app_id}-counts-changelog", rows)
    broker.produce(f"{app_id}-in", [(b"k%d" % key, json.dumps({"id": key}).encode()) for key in range(KEYS)])
    start_worker("a", FAULT="rebalances")
    wait_drained(broker, app_id)
    counted = [json.loads(record.value or b"") for record in broker.read(f"{app_id}-counts-changelog")]
    assert [row["version"] for row in counted if row["ids"]] == [VERSIONS + 1] * KEYS


def test_what_stays_is_not_read_again(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a").wait_ready()
    broker.produce(f"{app_id}-in", [(b"k%d" % n, json.dumps({"id": n}).encode()) for n in range(KEYS)])
    wait_drained(broker, app_id)
    other = start_worker("b").wait_ready()
    wait_until(lambda: len(other.state()["held"]) == 2, 30, "it takes its share")
    other.term()
    wait_until(lambda: len(worker.state()["held"]) == 4 and worker.state()["ready"], 30, "all are back")
    taken = [line for line in worker.log().splitlines() if " records of " in line and "changelogs in" in line]
    read = [int(line.split("read ")[1].split()[0]) for line in taken]
    assert read[0] == 0, "nothing was there at the first start"
    assert sum(read) < KEYS, "only what had left was read again"
    broker.produce(f"{app_id}-in", [(b"k%d" % n, json.dumps({"id": n + KEYS}).encode()) for n in range(KEYS)])
    wait_drained(broker, app_id)
    counted = [json.loads(record.value or b"") for record in broker.read(f"{app_id}-counts-changelog")]
    assert sorted(row["version"] for row in counted) == [1] * KEYS + [2] * KEYS
