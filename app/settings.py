"""Every setting, with its unit, its default and what it means. Nothing else reads the environment.

A field's environment variable is its name in capitals: `session_timeout_s` is set by `SESSION_TIMEOUT_S`.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from app.bounds import (
    Copies,
    Count,
    Duration,
    DurationOrNone,
    KafkaName,
    KafkaUrl,
    MongoName,
    MongoUrl,
    Port,
    SettingsError,
    Share,
    ToldDuration,
    WebUrl,
    read_fields,
)
from schemas.values import Currency, Pieces, PriceMinor

KAFKA_SCHEME: Final = "kafka://"
_EVERY_ADDRESS: Final = ("0.0.0.0", "::")  # noqa: S104 - it is recognised, not bound


@dataclass(frozen=True, slots=True)
class Settings:
    """How this worker runs. Immutable; made once, by `from_environment`."""

    kafka_url: KafkaUrl = ""
    """`kafka://host:port[,host:port]`. Required by the worker; `make run` sets it."""
    mongo_url: MongoUrl = field(default="", repr=False)
    """`mongodb://…`. Required by the worker; `make run` sets it."""
    mongo_database: MongoName = "orders"
    """The database that holds the projection and the simulators' ledgers."""
    app_id: KafkaName = "order-processor"
    """Names the consumer group and the changelogs. All workers of one system share it; another one starts empty."""
    topic_prefix: KafkaName = ""
    """Put before every topic's name, so that several systems can share a Kafka."""
    partitions: Count = 8
    """Partitions of every topic: the most workers that can share the load. Can't be changed once the topics exist."""
    replication: Copies = 1
    """Copies of every partition; 3 in production."""

    log_format: str = "auto"
    """`json`, `text`, or `auto`: text on a terminal, JSON elsewhere."""
    log_level: str = "INFO"
    """Lines below this are not written: `DEBUG`, `INFO`, `WARNING`, `ERROR` or `CRITICAL`."""
    log_levels: str = ""
    """Other levels for single loggers: `aiokafka=ERROR,app.delivery=DEBUG`."""

    host: str = "127.0.0.1"
    """The address to listen on."""
    port: Port = 6066
    """The port to listen on."""
    canonical_url: WebUrl = ""
    """Where other workers reach this one, and no other. When empty: `http://host:port`, or, where `host` is every
    address, this machine's name in its place."""
    data_dir: str = ".local/worker"
    """Where Faust keeps its own files. Must be unique to the worker."""

    session_timeout_s: ToldDuration = 10.0
    """A worker that is silent for so long is taken for dead, and its partitions go to others."""
    heartbeat_interval_s: ToldDuration = 0.5
    """How often a worker says that it lives, and hears that others have come or gone."""
    rebalance_timeout_s: ToldDuration = 30.0
    """How long a rebalance waits for workers to hand over what they are at."""
    group_instance_id: str = ""
    """The worker's own lasting name in the group, such as a StatefulSet's pod name: a restart within the session then
    moves no partitions, but those of a worker that does not come back are taken over only when its session is over."""
    commit_interval_s: Duration = 0.5
    """How often offsets are committed; what lies between is looked at again after a kill."""
    delivery_timeout_s: Duration = 120.0
    """A broker away for longer stops the worker: what it had begun is begun again elsewhere."""
    front_timeout_s: ToldDuration = 4.0
    """A request that Kafka does not take within this gets `503`."""

    request_timeout_s: Duration = 10.0
    """The longest a request waits for its order or product to be decided on; then `503`."""
    read_timeout_s: Duration = 4.0
    """The longest a `GET` waits for its position, or for somebody who knows its order or product; then `503`."""
    forward_timeout_s: Duration = 12.0
    """The longest a request waits for the worker that owns its key; the default leaves room for its own wait."""
    owner_wait_s: DurationOrNone = 20.0
    """The longest the `POST` of an order waits while its key has no owner; the default leaves room for a session."""
    requests_in_flight: Count = 512
    """Requests under `/v1` that one worker answers at once; one more gets `503`. As many may wait for their bodies."""

    busy_after_s: DurationOrNone = 3.0
    """New orders get `503` at once while a message for this worker's participants has waited for so long, by the
    broker's clock: what is taken beyond what can be done only makes all others wait. 0: never."""

    answer_kept_s: Duration = 24 * 3600.0
    """How long the answer to an `Idempotency-Key` is kept, in memory: about 2 KB each."""

    order_retention_s: Duration = 24 * 3600.0
    """How long a finished order stays in the workers' memory; then it is read from MongoDB. Keep it above
    `LONGEST_PAUSE_S`."""
    longest_pause_s: Duration = 6 * 3600.0
    """The longest that a worker may stand still and wake with records in its hands. Changelogs keep superseded rows for
    so long, and what an order held stays so much longer than the order."""

    default_price_minor: PriceMinor = 1000
    """The price of a new product that is given none, in minor units."""
    default_currency: Currency = "USD"
    """The currency of a new product that is given none."""

    low_stock: Pieces = 10
    """A product of which fewer pieces are available counts as low in the metrics."""

    payment_wait_s: Duration = 24 * 3600.0
    """How long an order waits for somebody to pay; then it is rejected as `EXPIRED`, and its stock comes back."""
    shipment_wait_s: Duration = 72 * 3600.0
    """How long a paid order waits for somebody to have it shipped; then it is rejected as `EXPIRED`."""
    answer_wait_s: Duration = 3600.0
    """How long an order waits for stock, gateway or carrier in one state; then it is turned back."""
    remind_first_s: Duration = 30.0
    """A command without an answer is sent again after this, then after twice as long, and so on."""
    remind_longest_s: Duration = 600.0
    """The longest pause between two such reminders."""

    gateway_calls: Count = 500
    """Payment calls in flight at once, in one worker."""
    gateway_delay_s: DurationOrNone = 0.0
    """How long the simulated gateway takes over each call."""
    gateway_slow_s: DurationOrNone = 0.5
    """How long it takes when the payment method is `slow`."""
    gateway_failure_rate: Share = 0.0
    """Share of its calls, 0 to 1, whose answer is lost on the way back."""
    carrier_calls: Count = 500
    """Carrier calls in flight at once, in one worker."""
    carrier_delay_s: DurationOrNone = 0.0
    """How long the simulated carrier takes over each call."""
    carrier_failure_rate: Share = 0.0
    """Share of its calls, 0 to 1, whose answer is lost on the way back."""
    retry_first_s: Duration = 0.05
    """The pause before a call with an unknown outcome is made again; it doubles each time, with jitter."""
    retry_longest_s: Duration = 5.0
    """The longest such pause."""
    call_attempts: Count = 100
    """After so many attempts without a definite answer (some six minutes) the order turns back; the call goes on."""

    projection_gather_s: DurationOrNone = 0.1
    """How long the projection gathers facts before it writes them to MongoDB."""
    progress_interval_s: Duration = 0.5
    """How often each worker notes how far its partitions are in MongoDB: readers may wait, or see an `Age`, so long."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings that these variables make. Raises `SettingsError` for one that can't be read."""
        return cls(**read_fields(cls, environment))._checked()

    @property
    def bootstrap(self) -> str:
        """Kafka's addresses as its clients take them: `host:port[,host:port]`."""
        return self.kafka_url.removeprefix(KAFKA_SCHEME)

    @property
    def url(self) -> str:
        """Where other workers reach this one."""
        host = socket.gethostname() if self.host in _EVERY_ADDRESS else self.host
        return self.canonical_url or f"http://{host}:{self.port}"

    def topic(self, name: str) -> str:
        """The full name of a topic."""
        return f"{self.topic_prefix}{name}"

    def missing(self) -> str | None:
        """One line that says what a worker lacks, or None."""
        for name in ("kafka_url", "mongo_url"):
            if not getattr(self, name):
                return (
                    f"{name.upper()} is not set. Set it, or use `make run`, which starts a Kafka and a MongoDB itself."
                )
        return None

    def _checked(self) -> Settings:
        if self.heartbeat_interval_s * 2 > self.session_timeout_s:
            raise SettingsError("HEARTBEAT_INTERVAL_S must be at most half of SESSION_TIMEOUT_S")
        return self
