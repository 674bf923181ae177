"""A participant end to end on a real broker: in, row, out, and what goes wrong in between."""

import json

import pytest
from harness import Broker, StartWorker, wait_until
from load import outcome, wait_drained


def numbered(count: int) -> list[tuple[bytes, bytes]]:
    return [(b"k%d" % (n % 50), json.dumps({"id": n}).encode()) for n in range(count)]


def test_each_message_becomes_a_row_and_an_answer(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a").wait_ready()
    broker.produce(f"{app_id}-in", numbered(1000))
    wait_drained(broker, app_id)
    assert outcome(broker, app_id, 1000) == (0, 0, 0, 0, 0)
    assert worker.state()["stats"]["gaps"] == 0


def test_a_slice_writes_each_row_once(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    broker.create(f"{app_id}-in")
    broker.produce(f"{app_id}-in", numbered(1000))  # waits there, so that it is taken in full slices
    start_worker("a").wait_ready()
    wait_drained(broker, app_id)
    assert outcome(broker, app_id, 1000) == (0, 0, 0, 0, 0)
    assert len(broker.read(f"{app_id}-counts-changelog")) < 500


def test_garbage_is_parked_and_the_next_message_goes_on(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a").wait_ready()
    good = (b"k1", json.dumps({"id": 0}).encode())
    broker.produce(f"{app_id}-in", [(b"k1", b"\xff not JSON"), (b"k1", b""), good])
    wait_drained(broker, app_id)
    parked = broker.read(f"{app_id}-dead")
    assert [record.value or b"" for record in parked] == [b"\xff not JSON", b""]
    assert all(dict(record.headers)["reason"].startswith(b"not JSON") for record in parked)
    assert outcome(broker, app_id, 1) == (0, 0, 0, 0, 0)
    assert worker.state()["stats"]["parked"] == 2


def test_a_decision_that_fails_blocks_its_key_and_nothing_else(
    broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    worker = start_worker("a").wait_ready()
    poison, behind = json.dumps({"no": "id"}).encode(), json.dumps({"id": 1}).encode()
    broker.produce(f"{app_id}-in", [(b"k1", poison), (b"k1", behind), (b"k2", json.dumps({"id": 0}).encode())])
    wait_drained(broker, app_id)
    parked = [(record.value, dict(record.headers)["reason"]) for record in broker.read(f"{app_id}-dead")]
    assert parked == [(poison, b"KeyError: 'id'"), (behind, b"an earlier message of its key failed")]
    assert [json.loads(record.value or b"") for record in broker.read(f"{app_id}-out")] == [{"id": 0}]
    assert worker.state()["stats"]["failed"] == 1


def test_a_tiny_inbox_pauses_fetching_and_loses_nothing(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    broker.create(f"{app_id}-in")
    broker.produce(f"{app_id}-in", numbered(20_000))
    worker = start_worker("a", INBOX_LIMIT="30").wait_ready()
    wait_drained(broker, app_id)
    assert outcome(broker, app_id, 20_000) == (0, 0, 0, 0, 0)
    assert worker.state()["stats"]["pauses"] > 0


def test_a_row_that_is_stale_in_the_log_does_not_come_back(
    broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    broker.create(f"{app_id}-counts-changelog")
    rows = [{"version": 3, "ids": [0, 1, 2]}, {"version": 1, "ids": [0]}]  # the second as a zombie writes it
    broker.produce(f"{app_id}-counts-changelog", [(b"k1", json.dumps(row).encode()) for row in rows])
    worker = start_worker("a").wait_ready()
    broker.produce(f"{app_id}-in", [(b"k1", json.dumps({"id": 3}).encode())])
    wait_drained(broker, app_id)
    newest = json.loads(broker.read(f"{app_id}-counts-changelog")[-1].value or b"")
    assert newest == {"version": 4, "ids": [0, 1, 2, 3]}
    assert worker.state()["stats"]["stepbacks"] == 1


def test_a_topic_with_other_partitions_stops_the_start_with_one_clear_line(
    broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    broker.create(f"{app_id}-in", partitions=3)
    worker = start_worker("a")
    wait_until(lambda: not worker.alive, 20, "the worker stops")
    assert worker.code != 0
    assert f"topic '{app_id}-in' has 3 partitions, not 4" in worker.log()


@pytest.mark.parametrize("failures", ["0", "2"])
def test_a_follower_tries_again_what_its_database_refused(
    broker: Broker, app_id: str, start_worker: StartWorker, failures: str
) -> None:
    worker = start_worker("a", FOLLOWER_FAILURES=failures).wait_ready()
    broker.produce(f"{app_id}-answers", [(b"k%d" % n, b"{}") for n in range(100)])
    wait_until(lambda: broker.lag(app_id, f"{app_id}-answers") == 0, 20, "all is followed")
    assert worker.state()["followed"] == 100
    assert worker.log().count("the database is away") == int(failures)
