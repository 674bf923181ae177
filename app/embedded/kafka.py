"""A real Apache Kafka broker as a child process: KRaft, one node, in one folder.

Kept small (about 150 MB) and quick (ready in under two seconds with the AOT cache), for a development machine and for
tests; a crash of it loses nothing that was acknowledged, since the kernel still holds what the process wrote.
"""

import base64
import socket
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from app.embedded.errors import PartError
from app.embedded.ports import free_port
from app.embedded.processes import Child
from app.embedded.server import EmbeddedServer

_ADVICE = "Run `make clean` if its data is damaged, or set KAFKA_URL to a broker you have"
_START_TIMEOUT_S = 60.0
_FORMAT_TIMEOUT_S = 60.0
_POLL_S = 0.02

# The AOT cache holds only for the options it was made with.
_JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xlog:disable", "-Xlog:all=error:stderr")
_BROKER_JVM = (
    *("-Xms32m", "-Xmx192m", "-Xss512k", "-XX:-UsePerfData", "-XX:ReservedCodeCacheSize=48m"),
    *("--sun-misc-unsafe-memory-access=allow", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn"),
)

_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller_port}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
# One node: every internal topic has one replica.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# A broker that was killed is let in again only when its old session is over; by default that takes nine seconds.
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# Small and quick instead of sized for a fleet.
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
log.cleaner.dedupe.buffer.size=4194304
num.network.threads=2
num.io.threads=2
background.threads=2
log.segment.bytes=67108864
log.index.size.max.bytes=1048576
"""


@dataclass(frozen=True)
class KafkaSoftware:
    """What a broker is run with: a Java executable, Kafka's jars, and the AOT cache that makes its start quick."""

    java: Path
    jars: tuple[Path, ...]
    aot_cache: Path | None = None

    def command(self, main_class: str, *arguments: str, jvm: tuple[str, ...] = ()) -> tuple[str, ...]:
        """The command line that runs one of Kafka's programs."""
        class_path = ":".join(map(str, self.jars))
        return (str(self.java), *_JVM, *jvm, "-cp", class_path, main_class, *arguments)


def new_cluster_id() -> str:
    """A fresh id, in Kafka's own form. None that begins with a dash: Kafka's tools would take it for an option."""
    while (made := base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")).startswith("-"):
        pass
    return made


class EmbeddedKafka(EmbeddedServer):
    """A broker with its data in `directory`, on `port` of the loopback address (a free one when None).

    `jvm_options` are added to the broker's own, and so are `properties`, in the form of `_PROPERTIES`.
    """

    def __init__(
        self,
        directory: Path,
        software: KafkaSoftware,
        *,
        port: int | None = None,
        pid_file: Path | None = None,
        jvm_options: tuple[str, ...] = (),
        properties: str = "",
    ) -> None:
        self.directory = directory.absolute()
        self.port = free_port() if port is None else port
        self._software = software
        self._properties = self.directory / "server.properties"
        self._more = properties
        aot = () if software.aot_cache is None else (f"-XX:AOTCache={software.aot_cache}",)
        super().__init__(
            Child(
                software.command("kafka.Kafka", str(self._properties), jvm=(*_BROKER_JVM, *aot, *jvm_options)),
                log=self.directory / "kafka.log",
                mark=str(self._properties),
                pid_file=pid_file,
            )
        )

    @property
    def bootstrap(self) -> str:
        """The broker's `host:port`, as Kafka's clients take it."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The broker's address as `KAFKA_URL` and Faust take it."""
        return f"kafka://{self.bootstrap}"

    def start(self) -> None:
        """Start the broker and wait until it answers; `PartError` with the end of its log when it doesn't."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self._configure()
        cluster_id = self._format()
        self._child.start()
        try:
            self._wait_ready(cluster_id)
        except BaseException:
            self._child.kill()
            raise

    def _configure(self) -> None:
        # The controller's port is nobody's business but the broker's, and may be another at every start.
        text = (_PROPERTIES + self._more).format(
            port=self.port, controller_port=free_port(), data=self.directory / "data"
        )
        self._properties.write_text(text)

    def _format(self) -> str:
        """Give a new folder its cluster id; returns the id of the folder's cluster."""
        meta = self.directory / "data" / "meta.properties"
        if meta.exists():
            return dict(line.split("=", 1) for line in meta.read_text().splitlines() if "=" in line)["cluster.id"]
        cluster_id = new_cluster_id()
        arguments = ("format", "-t", cluster_id, "-c", str(self._properties))
        command = self._software.command("kafka.tools.StorageTool", *arguments)
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_FORMAT_TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise PartError(f"Kafka's storage can't be formatted: {error}", _ADVICE) from error
        if done.returncode != 0:
            raise PartError("Kafka's storage can't be formatted", _ADVICE, done.stdout + done.stderr)
        return cluster_id

    def _wait_ready(self, cluster_id: str) -> None:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self._accepts():
            self._check_alive()
            if time.monotonic() > deadline:
                raise self._failure(f"Kafka is not ready after {_START_TIMEOUT_S:.0f} s")
            time.sleep(_POLL_S)
        client = AdminClient({"bootstrap.servers": self.bootstrap})
        try:
            answered_by = client.list_topics(timeout=max(1.0, deadline - time.monotonic())).cluster_id
        except KafkaException as error:
            raise self._failure(f"Kafka does not answer: {error}") from error
        self._check_alive()
        if answered_by != cluster_id:
            raise self._failure(f"another broker answers on port {self.port}")

    def _accepts(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1.0).close()
        except OSError:
            return False
        return True

    def _check_alive(self) -> None:
        if not self._child.alive:
            raise self._failure(f"Kafka ended while starting, with exit code {self._child.exit_code}")

    def _failure(self, what: str) -> PartError:
        return PartError(f"{what} (log: {self._child.log})", _ADVICE, self._child.log_tail())
