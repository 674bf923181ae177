"""The holes of plain Faust: each scenario goes wrong there, which shows that it tests something, and not here."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable

import faust
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from faust.exceptions import ProducerSendError
from faust.transport.drivers.aiokafka import Producer
from harness import Broker, StartWorker, wait_until
from load import Load, Outcome, outcome, wait_drained, wait_still

from app.delivery.producer import BarrierProducer

PLAIN, OURS = "plain_app", "worker_app"
BACKLOG = 4000
WHOLE = Outcome(0, 0, 0, 0, 0)
TRIES_OF_PLAIN = 5

Scenario = Callable[[str, str], tuple[int, Outcome]]


def result(broker: Broker, module: str, group: str, sent: int) -> tuple[int, Outcome]:
    """How much stays uncommitted, and what became of the messages. Plain Faust may never commit them all."""
    if module == OURS:
        wait_drained(broker, group)
    return wait_still(broker, group), outcome(broker, group, sent)


def went_wrong(plain: Callable[[], tuple[int, Outcome]]) -> bool:
    """Whether plain Faust fails at least once in a few tries: a race decides, and sometimes it is lucky."""
    return any(plain() != (0, WHOLE) for _ in range(TRIES_OF_PLAIN))


@pytest.fixture
def backlog(broker: Broker, start_worker: StartWorker) -> Scenario:
    """A worker that has a table to recover and a backlog to work off, under a fault."""

    def run(module: str, fault: str) -> tuple[int, Outcome]:
        group = f"h{uuid.uuid4().hex[:8]}"
        broker.create(f"{group}-in", f"{group}-out", f"{group}-counts-changelog")
        warm = [(b'"warm-%d"' % n, b'{"version": 1, "ids": []}') for n in range(100)]
        broker.produce(f"{group}-counts-changelog", warm)
        broker.produce(f"{group}-in", [(b"k%d" % (n % 200), json.dumps({"id": n}).encode()) for n in range(BACKLOG)])
        start_worker(f"{group}-a", module, APP_ID=group, FAULT=fault, POLL="200", WORK_S="0.001").wait_ready()
        return result(broker, module, group, BACKLOG)

    return run


def test_what_is_fetched_while_recovery_ends_is_not_dropped(backlog: Scenario) -> None:
    goes_wrong = went_wrong(lambda: backlog(PLAIN, "slow-seek"))
    assert goes_wrong, "plain Faust drops messages, or never commits again"
    assert backlog(OURS, "slow-seek") == (0, WHOLE)


def test_a_jump_between_fetches_is_read_again_and_not_committed(backlog: Scenario) -> None:
    goes_wrong = went_wrong(lambda: backlog(PLAIN, "lost-fetch"))
    assert goes_wrong, "plain Faust commits over the jump, or never again"
    assert backlog(OURS, "lost-fetch") == (0, WHOLE)


def test_a_rebalance_repeats_nothing(broker: Broker, start_worker: StartWorker) -> None:
    def run(module: str) -> tuple[int, Outcome]:
        group = f"h{uuid.uuid4().hex[:8]}"
        broker.create(f"{group}-in", f"{group}-out")
        start_worker(f"{group}-a", module, APP_ID=group, COMMIT_S="3").wait_ready()
        load = Load(broker, f"{group}-in", rate=300)
        time.sleep(2)  # so many seconds of load lie between the last commit and the rebalance
        joining = start_worker(f"{group}-b", module, APP_ID=group, COMMIT_S="3")
        wait_until(lambda: joining.state()["ready"] and joining.state()["held"], 30, "it takes its share")
        return result(broker, module, group, load.stop())

    goes_wrong = went_wrong(lambda: run(PLAIN))
    assert goes_wrong, "plain Faust repeats seconds of work, or never commits again"
    assert run(OURS) == (0, WHOLE)


async def _flush_after_a_refused_record(broker: Broker, producer_class: type[Producer]) -> None:
    """Send a record that the broker refuses, then flush as Faust does before each commit."""
    topic = f"h{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": broker.bootstrap})
    made = admin.create_topics([NewTopic(topic, 1, 1, config={"max.message.bytes": "1000"})])
    await asyncio.wrap_future(made[topic])
    app = faust.App(f"{topic}-app", broker=f"kafka://{broker.bootstrap}", producer_acks=-1)
    app.finalize()
    producer = producer_class(app.producer_transport)
    await producer.start()
    try:
        await producer.send(topic, b"k", b"x" * 10_000, None, None, None)
        await producer.flush()
    finally:
        await producer.stop()


async def test_flush_is_a_barrier(broker: Broker) -> None:
    await _flush_after_a_refused_record(broker, Producer)  # as if nothing had happened
    with pytest.raises(ProducerSendError):
        await _flush_after_a_refused_record(broker, BarrierProducer)
