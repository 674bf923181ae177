"""The embedded parts: they come back with their data, and say clearly why they don't start."""

import time
from pathlib import Path

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import MongoClient

from app.embedded import ports
from app.embedded.errors import PartError
from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.processes import command_line

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


def test_data_is_found_again_on_another_port(
    kafka_software: KafkaSoftware, mongod_executable: Path, tmp_path: Path
) -> None:
    with EmbeddedKafka(tmp_path / "kafka", kafka_software) as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        admin.create_topics([NewTopic("kept", 1, 1)])["kept"].result(DEADLINE_S)
        produce(broker, "kept", b"before")
    with EmbeddedKafka(tmp_path / "kafka", kafka_software) as moved:
        assert moved.port != broker.port
        assert read_first(moved, "kept") == b"before"

    with EmbeddedMongod(tmp_path / "mongod", mongod_executable) as server, MongoClient(server.url) as client:
        client.shop.orders.insert_one({"_id": "123"})
    with EmbeddedMongod(tmp_path / "mongod", mongod_executable) as other, MongoClient(other.url) as client:
        assert other.port != server.port
        assert client.shop.orders.count_documents({}) == 1
        client.shop.orders.insert_one({"_id": "124"})


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


def test_a_free_port_can_be_had_and_is_below_the_kernels_own(free_port: int) -> None:
    assert ports.is_free(free_port)
    assert free_port < 32768


def test_a_port_with_a_listener_is_not_free(kafka: EmbeddedKafka) -> None:
    assert not ports.is_free(kafka.port)
