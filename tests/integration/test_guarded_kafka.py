"""A Kafka that speaks TLS only, and wants to know who comes: every client of ours shows its password."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Commands
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # they are public, but not typed so
    AdminClient,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from tests.certificates import certificate_of

GUARDED = """\
listeners=PLAINTEXT://127.0.0.1:{{port}},CONTROLLER://127.0.0.1:{{controller_port}},SASL_SSL://127.0.0.1:{guarded}
advertised.listeners=PLAINTEXT://127.0.0.1:{{port}},SASL_SSL://127.0.0.1:{guarded}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_SSL:SASL_SSL
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
ssl.keystore.type=PEM
ssl.keystore.location={keystore}
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_shop="plain-secret";
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""  # noqa: E501 - one setting a line
SECRETS = {"PLAIN": "plain-secret", "SCRAM-SHA-512": "scram-secret"}


class GuardedKafka:
    """A broker, and how its guarded port is reached; the other one is the test's own."""

    def __init__(self, directory: Path, software: KafkaSoftware) -> None:
        directory.mkdir()
        made = certificate_of("broker", directory)
        (directory / "broker.keystore").write_bytes(made.key.read_bytes() + made.certificate.read_bytes())
        self.port = free_port()
        self.ca_file = made.certificate
        properties = GUARDED.format(guarded=self.port, keystore=directory / "broker.keystore")
        self.broker = EmbeddedKafka(directory, software, properties=properties)

    def environment(self, mechanism: str) -> dict[str, str]:
        """What a worker is told."""
        return {
            "KAFKA_URL": f"kafka://127.0.0.1:{self.port}",
            "KAFKA_PROTOCOL": "SASL_SSL",
            "KAFKA_CA_FILE": str(self.ca_file),
            "KAFKA_MECHANISM": mechanism,
            "KAFKA_USERNAME": "shop",
            "KAFKA_PASSWORD": SECRETS[mechanism],
        }


@pytest.fixture(scope="module")
def guarded(kafka_software: KafkaSoftware, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GuardedKafka]:
    made = GuardedKafka(tmp_path_factory.mktemp("guarded") / "kafka", kafka_software)
    with made.broker as broker:
        admin = AdminClient({"bootstrap.servers": broker.bootstrap})
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        shop = UserScramCredentialUpsertion("shop", info, SECRETS["SCRAM-SHA-512"].encode())
        for answer in admin.alter_user_scram_credentials([shop]).values():
            answer.result()
        yield made


@pytest.mark.parametrize("mechanism", list(SECRETS))
async def test_an_order_goes_all_the_way_and_the_commands_find_it(
    guarded: GuardedKafka,
    mechanism: str,
    worker_factory: WorkerFactory,
    kafka: EmbeddedKafka,
    mongo: EmbeddedMongod,
    app_id: str,
) -> None:
    environment = guarded.environment(mechanism)
    worker = worker_factory(environment=environment)
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        assert await shop.place("o1", {"789": 1}) == 201
        assert (await shop.at_rest("o1"))["status"] == "SHIPPED"
    commands = Commands(kafka, mongo, app_id)
    commands.environment = {**commands.environment, **environment}
    assert await commands.settled_audit() == []
    code, letters, complaint = await commands.run("dlq", "list")
    assert (code, letters) == (0, []), complaint
    code, _, complaint = await commands.run("projection", "rebuild")
    assert code == 0, complaint
    assert SECRETS[mechanism] not in worker.log()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"KAFKA_PASSWORD": "another"}, "uthentication"),
        ({"KAFKA_CA_FILE": "/etc/ssl/certs/ca-certificates.crt"}, "certificate"),
    ],
    ids=["password", "authority"],
)
async def test_a_worker_that_is_not_let_in_ends_and_says_why(
    guarded: GuardedKafka, worker_factory: WorkerFactory, wrong: dict[str, str], said: str
) -> None:
    worker = worker_factory(environment={**guarded.environment("PLAIN"), **wrong}, wait=False)
    assert worker.child.wait(60.0) not in (None, 0), worker.log()
    assert said in worker.log()
    assert "another" not in worker.log()
