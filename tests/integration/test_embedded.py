"""The embedded parts: they keep their data, stop when told, and say clearly why they don't start."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorClient

from app.embedded import jars, ports
from app.embedded.errors import PartError
from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.processes import Child, command_line, stop_leftover

DEADLINE_S = 20.0


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while command_line(pid):
        assert time.monotonic() < deadline, f"process {pid} still runs"
        time.sleep(0.02)


def produce(broker: EmbeddedKafka, topic: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": broker.bootstrap, "acks": "all"})
    producer.produce(topic, value)
    assert producer.flush(DEADLINE_S) == 0


def read_first(broker: EmbeddedKafka, topic: str) -> bytes | None:
    consumer = Consumer({"bootstrap.servers": broker.bootstrap, "group.id": "reader"})
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        message = consumer.poll(DEADLINE_S)
        assert message is not None
        assert message.error() is None
        return message.value()
    finally:
        consumer.close()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_broker_comes_back_on_its_port_with_its_data(end: str, kafka_software: KafkaSoftware, tmp_path: Path) -> None:
    with EmbeddedKafka(tmp_path, kafka_software) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(DEADLINE_S)
        produce(broker, "kept", b"before")
        url, first_pid = broker.url, broker.pid

        getattr(broker, end)()
        assert not broker.alive
        assert ports.is_free(broker.port)

        broker.start()
        assert broker.url == url
        assert broker.pid != first_pid
        assert read_first(broker, "kept") == b"before"
    wait_until_gone(broker.pid)


def test_a_broker_that_cannot_start_says_why_and_what_to_do(kafka_software: KafkaSoftware, tmp_path: Path) -> None:
    broker = EmbeddedKafka(tmp_path, kafka_software, jvm_options=("-XX:NoSuchOption",))
    with pytest.raises(PartError, match="NoSuchOption") as caught:
        broker.start()
    assert "ended while starting" in caught.value.what
    assert "KAFKA_URL" in caught.value.advice


def test_a_taken_port_is_not_mistaken_for_the_own_broker(
    kafka: EmbeddedKafka, kafka_software: KafkaSoftware, tmp_path: Path
) -> None:
    second = EmbeddedKafka(tmp_path, kafka_software, port=kafka.port)
    with pytest.raises(PartError):
        second.start()
    assert not second.alive
    assert kafka.alive


def test_a_damaged_aot_cache_does_not_stop_the_broker(kafka_software: KafkaSoftware, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.aot"
    damaged.write_bytes(b"no cache")
    software = KafkaSoftware(kafka_software.java, kafka_software.jars, damaged)
    with EmbeddedKafka(tmp_path / "kafka", software) as broker:
        assert broker.alive


@pytest.mark.parametrize("end", ["stop", "kill"])
async def test_a_database_comes_back_with_its_data_and_takes_transactions(
    end: str, mongod_executable: Path, tmp_path: Path
) -> None:
    with EmbeddedMongod(tmp_path, mongod_executable) as server:
        client: AsyncIOMotorClient[dict[str, object]] = AsyncIOMotorClient(server.url)
        async with await client.start_session() as session, session.start_transaction():
            await client.shop.orders.insert_one({"_id": "123"}, session=session)
        client.close()
        url = server.url

        getattr(server, end)()
        server.start()

        assert server.url == url
        client = AsyncIOMotorClient(server.url)
        assert await client.shop.orders.count_documents({"_id": "123"}) == 1
        client.close()
    wait_until_gone(server.pid)


def test_every_locked_jar_has_a_sum_and_the_lock_holds_no_address() -> None:
    locked = jars.read_lock()
    assert {"kafka_2.13", "slf4j-simple"} <= {jar.artifact for jar in locked}
    assert all(len(jar.sha256) == 64 for jar in locked)
    assert "://" not in jars.LOCK.read_text()


def test_a_jar_with_another_sum_is_refused(tmp_path: Path) -> None:
    jar = jars.LockedJar("org.example", "thing", "1.0", hashlib.sha256(b"right").hexdigest())
    (tmp_path / jar.filename).write_bytes(b"right")
    assert jars.install_jars(tmp_path, print, (jar,)) == (tmp_path / "thing-1.0.jar",)

    (tmp_path / jar.filename).write_bytes(b"wrong")
    with pytest.raises(PartError, match=r"thing-1\.0\.jar is not the locked jar") as caught:
        jars.install_jars(tmp_path, print, (jar,))
    assert "Delete it" in caught.value.advice


def test_a_free_port_can_be_had_and_is_below_the_kernels_own(free_port: int) -> None:
    assert ports.is_free(free_port)
    assert free_port < 32768


def test_a_port_with_a_listener_is_not_free(kafka: EmbeddedKafka) -> None:
    assert not ports.is_free(kafka.port)


def sleeper(tmp_path: Path, mark: str) -> Child:
    script = f"import time; time.sleep(600) # {mark}"
    return Child((sys.executable, "-c", script), log=tmp_path / "log", mark=mark, pid_file=tmp_path / "run" / "x.pid")


def test_a_child_has_a_pid_file_while_it_runs(tmp_path: Path) -> None:
    child = sleeper(tmp_path, "mark-one")
    child.start()
    pid_file = tmp_path / "run" / "x.pid"
    assert int(pid_file.read_text()) == child.pid
    assert child.stop(DEADLINE_S)
    assert not pid_file.exists()
    assert child.exit_code == -signal.SIGTERM


def test_a_child_that_ignores_sigterm_is_killed(tmp_path: Path) -> None:
    script = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    child = Child((sys.executable, "-c", script), log=tmp_path / "log", mark="deaf")
    child.start()
    deadline = time.monotonic() + DEADLINE_S
    while "deaf" not in child.log_tail():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert not child.stop(timeout_s=0.2)
    assert child.exit_code == -signal.SIGKILL


def test_a_stale_pid_file_is_removed_and_a_stranger_left_alone(tmp_path: Path) -> None:
    stranger = sleeper(tmp_path, "somebody-else")
    stranger.start()
    try:
        stale = tmp_path / "stale.pid"
        stale.write_text(f"{stranger.pid}\n")
        stop_leftover(stale, "our-own-mark")
        assert not stale.exists()
        assert stranger.alive
    finally:
        stranger.kill()


@pytest.mark.parametrize("content", ["", "not a number", "999999999"])
def test_a_pid_file_without_a_process_is_removed(content: str, tmp_path: Path) -> None:
    stale = tmp_path / "stale.pid"
    stale.write_text(content)
    stop_leftover(stale, "our-own-mark")
    assert not stale.exists()


def test_what_an_earlier_run_left_behind_is_stopped(tmp_path: Path) -> None:
    left_behind = sleeper(tmp_path, "our-own-mark")
    left_behind.start()
    try:
        stop_leftover(tmp_path / "run" / "x.pid", "our-own-mark")
        wait_until_gone(left_behind.pid)
    finally:
        left_behind.kill()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to a parent that is killed")
def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    program = f"""
import sys, time
from pathlib import Path
from app.embedded.processes import Child
child = Child((sys.executable, "-c", "import time; time.sleep(600)"), log=Path({str(tmp_path / "log")!r}), mark="x")
child.start()
print(child.pid, flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen((sys.executable, "-c", program), stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    with parent.stdout:
        child_pid = int(parent.stdout.readline())
        assert command_line(child_pid)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(DEADLINE_S)
    wait_until_gone(child_pid)
