"""A participant end to end on a real broker: in, row, out."""

import json

from harness import Broker, StartWorker, wait_until


def test_each_message_becomes_a_row_and_an_answer(broker: Broker, app_id: str, start_worker: StartWorker) -> None:
    worker = start_worker("a").wait_ready()
    sent = [(b"k%d" % (n % 7), json.dumps({"id": n}).encode()) for n in range(1000)]
    broker.produce(f"{app_id}-in", sent)
    wait_until(lambda: broker.lag(app_id, f"{app_id}-in") == 0, 20, "everything is committed")
    answers = [json.loads(record.value or b"")["id"] for record in broker.read(f"{app_id}-out")]
    assert sorted(answers) == list(range(1000))
    rows = {record.key: json.loads(record.value or b"") for record in broker.read(f"{app_id}-counts-changelog")}
    assert sorted(i for row in rows.values() for i in row["ids"]) == list(range(1000))
    assert worker.state()["stats"]["gaps"] == 0
