"""Calls beside the stream: slow ones hold up nobody, and none is lost with its worker."""

from collections import Counter
from pathlib import Path

import pytest
from harness import Broker, StartWorker, wait_until


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """What the gateway was asked, one idempotency key a line."""
    return tmp_path / "ledger.txt"


def asked(ledger: Path) -> Counter[str]:
    return Counter(ledger.read_text().splitlines()) if ledger.exists() else Counter()


def wait_settled(broker: Broker, app_id: str) -> None:
    wait_until(lambda: broker.lag(app_id, f"{app_id}-ask") == 0, 40, "every call is settled and committed")


def test_a_slow_call_holds_up_nobody(broker: Broker, app_id: str, start_worker: StartWorker, ledger: Path) -> None:
    worker = start_worker("a", LEDGER=str(ledger), CALL_S="3").wait_ready()
    broker.produce(f"{app_id}-ask", [(b"slow", b"{}")])
    wait_until(lambda: asked(ledger), 10, "the slow call is under way")
    # In the same partition, behind the slow one: a key that hashes to it would do, all 40 surely include some.
    broker.produce(f"{app_id}-ask", [(b"quick-%d" % n, b"{}") for n in range(40)])
    wait_until(lambda: len(broker.read(f"{app_id}-answers")) == 40, 2.5, "the quick ones are answered")
    assert broker.lag(app_id, f"{app_id}-ask") > 0, "what the slow call hangs on is not committed"
    wait_settled(broker, app_id)
    assert len(broker.read(f"{app_id}-answers")) == 41
    assert set(asked(ledger).values()) == {1}
    assert worker.state()["stats"]["calls_running"] == 0


def test_a_call_that_dies_with_its_worker_is_made_again_with_the_same_key(
    broker: Broker, app_id: str, start_worker: StartWorker, ledger: Path
) -> None:
    worker = start_worker("a", LEDGER=str(ledger)).wait_ready()
    broker.produce(f"{app_id}-ask", [(b"slow-%d" % n, b"{}") for n in range(20)])
    wait_until(lambda: len(asked(ledger)) == 20, 10, "all calls are under way")
    worker.kill()
    worker.start().wait_ready()
    wait_settled(broker, app_id)
    assert asked(ledger) == Counter({f"slow-{n}/1": 2 for n in range(20)})
    answers = {record.key: record.value for record in broker.read(f"{app_id}-answers")}
    assert answers == {b"slow-%d" % n: b"yes to slow-%d/1" % n for n in range(20)}


def test_a_rebalance_does_not_wait_for_calls(
    broker: Broker, app_id: str, start_worker: StartWorker, ledger: Path
) -> None:
    first = start_worker("a", LEDGER=str(ledger), CALL_S="4").wait_ready()
    broker.produce(f"{app_id}-ask", [(b"slow-%d" % n, b"{}") for n in range(20)])
    wait_until(lambda: len(asked(ledger)) == 20, 10, "all calls are under way")
    start_worker("b", LEDGER=str(ledger)).wait_ready()
    wait_settled(broker, app_id)
    assert first.state()["stats"]["revoke_timeouts"] == 0
    assert {record.key for record in broker.read(f"{app_id}-answers")} == {b"slow-%d" % n for n in range(20)}


def test_a_reader_sees_what_it_sent_and_wakes_when_it_is_settled(start_worker: StartWorker, ledger: Path) -> None:
    worker = start_worker("a", LEDGER=str(ledger), CALL_S="3").wait_ready()
    sent = worker.get("/send?topic=ask&key=slow-1")
    assert sent["applied_s"] < 2, "applied means decided and safe, not called"
    at_once = worker.get("/row?key=slow-1&wait_s=0")
    assert at_once["row"]["pending"] == "slow-1/1"
    assert at_once["owner"]["here"] is True
    assert at_once["workers"] == [worker.url]
    assert worker.get("/row?key=slow-1&wait_s=5")["row"]["answer"] == "yes to slow-1/1"
