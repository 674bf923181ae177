"""The words participants and delivery share: what a decision gets, what it gives, and how it refuses.

Nothing here touches Kafka, so decisions and their tests import it without a broker.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TypeAlias

from msgspec import Struct

Row: TypeAlias = Any
"""A row of a table: whatever the table's `encode` takes. Decisions never change one in place."""

Rows: TypeAlias = Mapping[str, Row]
"""The rows of one partition, for reading: decisions use `.get(key)` only."""

Headers: TypeAlias = Sequence[tuple[str, bytes]]


class ConsumerRecord(Protocol):
    """A record as it was read from the log: a reader's (`reader.py`), or a test's."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - says what it says

    @property
    def partition(self) -> int: ...  # noqa: D102

    @property
    def offset(self) -> int: ...  # noqa: D102

    @property
    def timestamp(self) -> int:
        """The broker's or the sender's time, by the topic's setting: milliseconds since 1970."""

    @property
    def key(self) -> bytes | None:
        """Raw; `None` only when another program sent it so."""

    @property
    def value(self) -> bytes | None: ...  # noqa: D102

    @property
    def headers(self) -> Headers: ...  # noqa: D102


class Send(Struct, frozen=True, gc=False):
    """One record to be sent: its partition follows from the key, as in every Kafka client."""

    topic: str
    key: bytes
    value: bytes
    headers: Headers = ()


class Effects(Struct, frozen=True, gc=False):
    """All that one message causes: rows (`None` deletes one) and records, both in order."""

    rows: Sequence[tuple[str, Row | None]] = ()
    sends: Sequence[Send] = ()


class Delivered(NamedTuple):
    """Where a record stands in the log, once every in-sync replica has it."""

    partition: int
    offset: int
    timestamp_ms: int


class RowObserver(Protocol):
    """Is told of every row of a table that this worker holds: what counts, and changes nothing."""

    def begin(self, partition: int, rows: Rows) -> None:
        """The partition is ours from now on, with these rows."""

    def written(self, partition: int, key: str, before: Row | None, after: Row | None) -> None:
        """A row has become another, or nothing, in memory; its record is on its way."""

    def leave(self) -> None:
        """No partition is ours any more."""


class Owner(NamedTuple):
    """Who holds a key: its partition, that worker's url if known, and whether it is this worker, ready."""

    partition: int
    url: str | None
    here: bool


class Kind(StrEnum):
    """Why a message is parked."""

    REFUSED = "refused"
    """It makes no sense; the messages behind it go on."""
    FAILED = "failed"
    """The decision raised; the later messages of its key wait behind it."""
    WAITING = "waiting"
    """It was not tried: a failed message of its key stands before it."""


class Parked(NamedTuple):
    """Why and as what a message is parked.

    `offset` names it: its own, or, for a replay that failed or has to wait again, that of the message which was
    parked first. `attempts` is how often it was tried just now, `replays` how often it had been replayed before.
    """

    kind: Kind
    reason: str
    offset: int
    attempts: int = 1
    replays: int = 0


class Refused(Exception):
    """A decision can't take this message: it is parked with `reason`, and the next one goes on."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Moved(Exception):
    """The partition left this worker while somebody waited for it: ask its new owner."""


class Unavailable(Exception):
    """Kafka did not acknowledge a record in time; it may still have been kept."""


class DeliveryFailed(Exception):
    """A record of a slice will not reach the log any more; the worker has to stop."""


Decide: TypeAlias = Callable[[Rows, ConsumerRecord], Effects]
"""Pure. May raise `Refused`, also for bytes that can't be decoded; any other exception blocks the key."""

Park: TypeAlias = Callable[[ConsumerRecord, Parked], Send]
"""Pure: the dead letter of a record."""


Tell: TypeAlias = Callable[[Send], Awaitable[None]]
"""Sends a record beside the stream, and waits until it is in the log. Does nothing once the partition has left."""


class Calls(Protocol):
    """Outside calls that run beside the stream, one chain a key.

    `Intent` and `Answer` are the participant's own types. The row carries the intent, so that a call whose
    worker died is made again, with the same idempotency key, by the next owner of the partition.
    """

    @property
    def limit(self) -> int:
        """How many calls may be in flight at once."""

    def due(self, key: str, row: Row) -> Any | None:
        """Pure: the intent that the row says is under way, or `None`."""

    async def perform(self, key: str, intent: Any, tell: Tell) -> Any:
        """Make the call; retry inside until the answer is definite. An exception stops the worker.

        `tell` sends what others should know meanwhile; it may be lost, or told twice, when workers die.
        """

    def settle(self, rows: Rows, key: str, answer: Any) -> Effects:
        """Pure: what a definite answer causes."""
