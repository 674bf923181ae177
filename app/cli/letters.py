"""Dead letters as their topic tells of them: found, chosen, and turned into what a replay or a drop sends. No Kafka."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from app.delivery import DROP_OF, REPLAY_COUNT, REPLAY_OF, Headers
from schemas.codec import encode
from schemas.dead_letters import Action, DeadLetter, DeadLetterHandled, Kind, base64_of, bytes_of

MOST_REPLAYS: Final = 3
"""A message that has failed so often is not replayed again unless somebody insists."""


class State(StrEnum):
    """What has become of a letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DROPPED = "dropped"


class Name(NamedTuple):
    """What a letter is called: where its message first stood."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}-{self.offset}"


class Outgoing(NamedTuple):
    """A record to be sent. With no `partition` it follows from the key."""

    topic: str
    key: bytes | None
    value: bytes
    headers: Headers = ()
    partition: int = -1


@dataclass(slots=True)
class Letter:
    """One dead letter: as it was parked last, when that was (ms since 1970), and what people did with it and when.

    `is_gone` is one of which only the name and the key are known: its message may still stand in a queue.
    """

    name: Name
    parked: DeadLetter
    parked_ms: int
    handled: list[tuple[DeadLetterHandled, int]] = field(default_factory=list)
    is_gone: bool = False

    @property
    def replays(self) -> int:
        """How often it was replayed."""
        return max((done.replays for done, _ in self.handled), default=0)

    @property
    def state(self) -> State:
        """What has become of it. A replay that failed again, or had to wait again, leaves it open."""
        if any(done.action is Action.DROP for done, _ in self.handled):
            return State.DROPPED
        return State.OPEN if self.parked.replays >= self.replays else State.REPLAYED

    @property
    def key(self) -> bytes | None:
        """The key of its message."""
        return bytes_of(self.parked.key)

    @property
    def queue(self) -> tuple[str, int, str] | None:
        """Which queue it stands in; None when nothing waits behind it, nor it behind anything."""
        if self.parked.key is None or self.parked.kind is Kind.REFUSED or self.state is not State.OPEN:
            return None
        return self.name.topic, self.name.partition, self.parked.key


def found(records: Iterable[tuple[DeadLetter | DeadLetterHandled, int]]) -> dict[Name, Letter]:
    """The letters, by name and in their order, that these records and their times tell of.

    A worker that died may have written a letter twice, also after it was handled: the first of each replay counts.
    """
    letters: dict[Name, Letter] = {}
    handled: dict[Name, list[tuple[DeadLetterHandled, int]]] = {}
    for record, at_ms in records:
        name = Name(record.topic, record.partition, record.offset)
        if isinstance(record, DeadLetterHandled):
            handled.setdefault(name, []).append((record, at_ms))
        elif name not in letters or letters[name].parked.replays < record.replays:
            letters[name] = Letter(name, record, at_ms)
    for name, letter in letters.items():
        letter.handled = handled.get(name, [])
    return {name: letters[name] for name in sorted(letters)}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which letters are meant; None says nothing of it. Times are milliseconds since 1970.

    With `queued` only those that stand, or stood, in a queue: one that was refused never does.
    """

    state: State | None = State.OPEN
    topic: str | None = None
    key: str | None = None
    kind: Kind | None = None
    error: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None
    queued: bool = False

    def takes(self, letter: Letter) -> bool:
        """Whether the letter is meant."""
        parked = letter.parked
        return (
            self.state in (None, letter.state)
            and self.topic in (None, parked.topic)
            and (self.key is None or self.key.encode() == letter.key)
            and self.kind in (None, parked.kind)
            and (self.error is None or self.error.casefold() in parked.error.casefold())
            and (self.since_ms is None or letter.parked_ms >= self.since_ms)
            and (self.until_ms is None or letter.parked_ms < self.until_ms)
            and not (self.queued and parked.kind is Kind.REFUSED)
        )


def before(chosen: Collection[Name], letters: Mapping[Name, Letter]) -> list[tuple[Name, Name]]:
    """Those of the chosen that wait for one that is not chosen, each with the first such."""
    heads: dict[tuple[str, int, str], Name] = {}
    for name, letter in letters.items():
        if letter.queue is not None and name not in chosen:
            heads.setdefault(letter.queue, name)
    waiting = []
    for name in chosen:
        queue = letters[name].queue
        head = None if queue is None else heads.get(queue)
        if head is not None and head < name:
            waiting.append((name, head))
    return waiting


def heads(letters: Mapping[Name, Letter]) -> list[Name]:
    """Those that wait for nothing: the first of each queue, and all that stand in none."""
    seen: set[tuple[str, int, str]] = set()
    first = []
    for name, letter in letters.items():
        queue = letter.queue
        if queue is None or queue not in seen:
            first.append(name)
        if queue is not None:
            seen.add(queue)
    return first


def worn_out(letter: Letter) -> bool:
    """Whether it has failed as often as is sensible. One that only waits was never tried."""
    return letter.parked.kind is not Kind.WAITING and letter.replays >= MOST_REPLAYS


def replay(letter: Letter, value: bytes | None) -> Outgoing:
    """The message once more, to where it was, with its own value or this one."""
    original = bytes_of(letter.parked.value) or b""
    marks = [
        (REPLAY_OF, str(letter.name).encode()),
        (REPLAY_COUNT, str(letter.replays + 1).encode()),
    ]
    return Outgoing(
        letter.name.topic,
        letter.key,
        original if value is None else value,
        [*_own_headers(letter.parked), *marks],
        letter.name.partition,
    )


def drop(letter: Letter) -> Outgoing | None:
    """What takes the message off its queue; None for one that stands in none."""
    if letter.queue is None:
        return None
    mark = (DROP_OF, str(letter.name).encode())
    return Outgoing(letter.name.topic, letter.key, b"", [mark], letter.name.partition)


def _own_headers(parked: DeadLetter) -> list[tuple[str, bytes]]:
    marks = (REPLAY_OF, REPLAY_COUNT)
    return [(name, bytes_of(value) or b"") for name, value in parked.headers if name not in marks]


def record_of(letter: Letter, action: Action, by: str, reason: str, value: bytes | None, topic: str) -> Outgoing:
    """The record, to this topic, that this was done."""
    replays = letter.replays + (action is Action.REPLAY)
    done = DeadLetterHandled(*letter.name, action, by, reason, replays=replays, value=base64_of(value))
    return Outgoing(topic, letter.key or b"", encode(done))
