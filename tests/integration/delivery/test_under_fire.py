"""Two workers under load while one of them dies, stands still, or the broker goes away."""

import signal
import time

import pytest
from harness import Broker, StartWorker, Worker, wait_until
from load import Load, outcome, wait_drained

from app.embedded.kafka import EmbeddedKafka


@pytest.fixture
def pair(start_worker: StartWorker) -> tuple[Worker, Worker]:
    first, second = start_worker("a"), start_worker("b")
    first.wait_ready()
    second.wait_ready()
    wait_until(lambda: not set(first.state()["held"]) & set(second.state()["held"]), 30, "they share")
    return first, second


def holds_some(worker: Worker) -> bool:
    state = worker.state()
    return bool(state["ready"] and state["held"])


def test_kill_9_loses_nothing(broker: Broker, app_id: str, pair: tuple[Worker, Worker]) -> None:
    load = Load(broker, f"{app_id}-in")
    for victim in (pair[0], pair[1], pair[0]):
        time.sleep(1.5)  # load, not luck: what is under way then is what the test is about
        victim.kill()
        victim.start()
        wait_until(lambda worker=victim: holds_some(worker), 40, "the killed worker is back")
    sent = load.stop()
    wait_drained(broker, app_id)
    result = outcome(broker, app_id, sent)
    assert (result.answers_lost, result.rows_lost, result.counted_twice) == (0, 0, 0), result


def test_a_graceful_stop_loses_and_repeats_nothing(broker: Broker, app_id: str, pair: tuple[Worker, Worker]) -> None:
    load = Load(broker, f"{app_id}-in")
    took_s = []
    for victim in (pair[0], pair[1], pair[0]):
        time.sleep(1.5)
        took_s.append(victim.term())
        victim.start()
        wait_until(lambda worker=victim: holds_some(worker), 40, "the stopped worker is back")
    sent = load.stop()
    wait_drained(broker, app_id)
    result = outcome(broker, app_id, sent)
    assert result == (0, 0, 0, 0, 0), result
    assert max(took_s) < 6, took_s


def test_a_worker_that_stood_still_dies_before_it_writes(
    broker: Broker, app_id: str, pair: tuple[Worker, Worker]
) -> None:
    load = Load(broker, f"{app_id}-in")
    time.sleep(1.5)
    zombie, other = pair
    zombie.signal(signal.SIGSTOP)
    wait_until(lambda: len(other.state()["held"]) == 4 and other.state()["ready"], 30, "the other takes over")
    time.sleep(1.5)
    zombie.signal(signal.SIGCONT)
    wait_until(lambda: not zombie.alive, 10, "the zombie is gone")
    assert zombie.code == 17, zombie.log()[-2000:]
    sent = load.stop()
    wait_drained(broker, app_id)
    result = outcome(broker, app_id, sent)
    assert (result.answers_lost, result.rows_lost, result.counted_twice) == (0, 0, 0), result


def test_a_broker_that_is_away_for_ten_seconds_is_waited_for(
    kafka: EmbeddedKafka, broker: Broker, app_id: str, pair: tuple[Worker, Worker]
) -> None:
    load = Load(broker, f"{app_id}-in")
    time.sleep(1.5)
    kafka.stop()
    stopped = time.monotonic()
    refused = [pair[0].get("/send?topic=ask&key=quick") for _ in range(2)]
    wait_until(lambda: time.monotonic() - stopped > 10, 20, "the outage lasts ten seconds")
    kafka.start()
    wait_until(lambda: all(holds_some(worker) for worker in pair), 60, "both workers go on")
    time.sleep(1.5)
    sent = load.stop()
    wait_drained(broker, app_id)
    result = outcome(broker, app_id, sent)
    assert (result.answers_lost, result.rows_lost, result.counted_twice) == (0, 0, 0), result
    assert all(worker.alive for worker in pair)
    assert [answer["error"] for answer in refused] == ["Unavailable", "Unavailable"]
    assert max(answer["sent_s"] for answer in refused) < 6
    assert "offset" in pair[0].get("/send?topic=in&key=k0&id=0") or "offset" in pair[1].get(
        "/send?topic=in&key=k0&id=0"
    )


def test_a_worker_can_be_stopped_while_the_broker_is_away(
    kafka: EmbeddedKafka, broker: Broker, app_id: str, start_worker: StartWorker
) -> None:
    worker = start_worker("a").wait_ready()
    load = Load(broker, f"{app_id}-in")
    wait_until(lambda: worker.state()["stats"]["slices"] > 10, 20, "it works")
    kafka.stop()
    try:
        worker.term(timeout_s=30)
    finally:
        kafka.start()
    sent = load.stop()
    worker.start().wait_ready()
    wait_drained(broker, app_id)
    result = outcome(broker, app_id, sent)
    assert (result.answers_lost, result.rows_lost, result.counted_twice) == (0, 0, 0), result
