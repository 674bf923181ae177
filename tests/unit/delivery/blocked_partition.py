"""A partition with blocked keys: its log, its worker and its operator, and what of it survives a crash.

What the worker sends goes to three queues (changelog, answers, dead letters), of each of which a crash keeps a prefix
of what was not acknowledged yet. A predecessor that was paused may write old records into the changelog, and the broker
compacts it.
"""

from __future__ import annotations

import json
from collections import deque
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from app.cli import letters as mail
from app.cli.letters import Letter, Name, Outgoing, found
from app.delivery.blocking import Blocking
from app.delivery.contract import ConsumerRecord, Effects, Parked, Rows, Send
from app.delivery.draft import Draft
from app.delivery.queues import Queues, is_entry
from app.delivery.stats import Stats
from app.topics import park as letter_of
from schemas.codec import Decoder
from schemas.dead_letters import Action, DeadLetter, DeadLetterHandled, bytes_of
from tests.unit.delivery.records import FakeRecord

KEYS = ("a", "b", "steady")
KINDS = ("good", "good", "poison", "poison for good")
TOPICS = ("changelog", "out", "dead")
read_letter: Decoder[Any] = Decoder((DeadLetter, DeadLetterHandled))


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """Notes ids in the order in which they come; knows replays by the offset, and doubles by the id."""
    message = json.loads(record.value or b"")
    if message["is"] != "good":
        raise ValueError("poison")
    key = (record.key or b"").decode()
    row = rows.get(key) or {"applied": -1, "ids": []}
    answers = [Send("out", record.key or b"", str(message["id"]).encode())]
    if record.offset <= row["applied"]:
        return Effects(sends=answers if message["id"] in row["ids"] else ())
    ids = row["ids"] if message["id"] in row["ids"] else [*row["ids"], message["id"]]
    return Effects([(key, {"applied": record.offset, "ids": ids})], answers)


class Worker:
    """Rows and queues in memory, as `RowTable` has them; what it sends, and what of it is acknowledged.

    It heals and deletes as `Healer` does.
    """

    changelog_topic_name = "changelog"

    def __init__(self, changelog: list[tuple[bytes, bytes | None]], start: int) -> None:
        self.rows: dict[str, Any] = {}
        self.queues = Queues()
        self.next = start
        self.blocking = Blocking(decide, self.park, Stats())
        self.under_way: dict[str, deque[tuple[bytes, bytes | None, list[int]]]] = {topic: deque() for topic in TOPICS}
        self.slices: deque[tuple[int, list[int]]] = deque()  # its next offset, and how many records it waits for
        stale: dict[bytes, None] = {}
        for key, value in changelog:
            if self._restore(key, value):
                stale.pop(key, None)
            else:
                stale[key] = None
        for key in (*stale, *self.queues.forget(start)):
            self.heal(key)

    def _restore(self, key: bytes, value: bytes | None) -> bool:
        if is_entry(key):
            return self.queues.restore(key, value)
        row = json.loads(value or b"")
        if row["applied"] < self.rows.get(key.decode(), row)["applied"]:
            return False
        self.rows[key.decode()] = row
        return True

    def heal(self, key: bytes) -> None:
        """Write what memory has under this key of the changelog."""
        self.under_way["changelog"].append((key, self.encoded(key), [0]))

    def encoded(self, key: bytes) -> bytes | None:
        return self.queues.encoded(key) if is_entry(key) else self.encode(self.rows[key.decode()])

    @staticmethod
    def park(record: ConsumerRecord, parked: Parked) -> Send:
        return replace(letter_of(record, parked), topic="dead")

    def queues_of(self, partition: int) -> Queues:
        return self.queues

    def apply(self, partition: int, key: str, row: Any) -> None:
        self.rows[key] = row

    def encode(self, row: Any) -> bytes:
        return json.dumps(row).encode()

    def begin(self, *_: object) -> Any:
        """As `Sink.begin`."""
        open_records = [0]

        def send(topic: str, key: bytes, value: bytes, **_: object) -> None:
            open_records[0] += 1
            self.under_way[topic].append((key, value, open_records))

        self.slices.append((self.next, open_records))
        return SimpleNamespace(send=send, done=lambda: None)

    def take(self, log: list[FakeRecord], most: int) -> None:
        records = log[self.next : self.next + most]
        self.next += len(records)
        draft = Draft(self)  # type: ignore[arg-type]
        for record in records:
            effects, offset, entry = self.blocking.handle(self.rows, self.queues, record)
            draft.add(0, effects)
            if entry is not None:
                draft.queue(0, record.key or b"", offset, entry)
        draft.send(self)  # type: ignore[arg-type]


class World:
    """Every step takes a number, which chooses among what it could do."""

    def __init__(self) -> None:
        self.log: list[FakeRecord] = []
        self.sent: dict[str, list[int]] = {key: [] for key in KEYS}
        self.dropped: set[int] = set()
        self.kept: dict[str, list[tuple[bytes, bytes | None]]] = {topic: [] for topic in TOPICS}
        self.spoiled = False  # old records stand in the changelog that nobody has healed yet
        self.handled: list[DeadLetterHandled] = []
        self.committed = 0
        self.worker = Worker([], 0)

    def append(self, key: bytes | None, value: bytes, headers: Any = ()) -> None:
        self.log.append(FakeRecord(len(self.log), key=key, value=value, headers=tuple(headers)))

    def message(self, n: int) -> None:
        key, number = KEYS[n % 3], len(self.log)
        kind = "good" if key == "steady" else KINDS[n // 3 % 4]
        self.sent[key].append(number)
        self.append(key.encode(), json.dumps({"id": number, "is": kind}).encode())

    def slice(self, n: int) -> None:
        if self.worker.next < len(self.log):
            self.worker.take(self.log, 1 + n % 12)

    def acknowledge(self, n: int) -> None:
        self.acknowledge_of(TOPICS[n % 3], 1 + n // 3 % 8)

    def acknowledge_all(self, _: int = 0) -> None:
        for topic in TOPICS:
            self.acknowledge_of(topic, 1_000_000)

    def acknowledge_of(self, topic: str, most: int) -> None:
        waiting = self.worker.under_way[topic]
        for _ in range(min(most, len(waiting))):
            key, value, open_records = waiting.popleft()
            self.kept[topic].append((key, value))
            open_records[0] -= 1

    def commit(self, _: int = 0) -> None:
        if self.worker.slices and self.worker.slices[0][1] == [0]:
            self.committed = self.worker.slices.popleft()[0]

    def crash(self, _: int = 0) -> None:
        self.worker = Worker(self.kept["changelog"], self.committed)

    def zombie(self, n: int) -> None:
        """A predecessor writes a record that it wrote before; the owner sees it at once, or it dies before it does."""
        changelog = self.kept["changelog"]
        if changelog:
            key, value = changelog[n // 2 % len(changelog)]
            changelog.append((key, value))
            if n % 2:
                self.worker.heal(key)
            else:
                self.crash()
            self.spoiled = True

    def compact(self, n: int) -> None:
        """Keep the last record of each key, and of deletions nothing in the end; not before the changelog is healed."""
        under_way = self.worker.under_way["changelog"]
        self.spoiled = self.spoiled and bool(under_way)
        if self.spoiled:
            return
        last = dict(self.kept["changelog"])
        for key, value in last.items():
            assert under_way or value == self.worker.encoded(key), "what compaction keeps is right"
        self.kept["changelog"] = [(key, value) for key, value in last.items() if value is not None or n % 2]

    def letters(self) -> dict[Name, Letter]:
        records = [read_letter(value) for _, value in self.kept["dead"]]
        told = found((record, 0) for record in [*records, *self.handled])
        return {name: letter for name, letter in told.items() if letter.state is mail.State.OPEN}

    def do(self, letter: Letter, action: Action, outgoing: Outgoing | None) -> None:
        if outgoing is not None:
            self.append(outgoing.key, outgoing.value, outgoing.headers)
        self.handled.append(read_letter(mail.record_of(letter, action, "ada", "a test", None, "dead").value))

    def replay(self, n: int) -> None:
        """Any letter, in turn or not."""
        if letters := list(self.letters().values()):
            letter = letters[n // 2 % len(letters)]
            self.do(letter, Action.REPLAY, mail.replay(letter, repaired(letter) if n % 2 else None))

    def replay_key(self, n: int) -> None:
        """All letters of a key, in their order; a message that is poison for good is dropped."""
        for letter in self.letters().values():
            if letter.key != KEYS[n % 2].encode():
                continue
            if b"for good" in (bytes_of(letter.parked.value) or b""):
                self.drop_one(letter)
            else:
                self.do(letter, Action.REPLAY, mail.replay(letter, repaired(letter) if n & 2 else None))

    def drop(self, n: int) -> None:
        if letters := list(self.letters().values()):
            self.drop_one(letters[n % len(letters)])

    def drop_one(self, letter: Letter) -> None:
        self.dropped.add(json.loads(bytes_of(letter.parked.value) or b"")["id"])
        self.do(letter, Action.DROP, mail.drop(letter))

    def check(self) -> None:
        for key in KEYS:
            ids = self.worker.rows.get(key, {"ids": []})["ids"]
            assert ids == sorted(ids), "the order is kept"
            assert not self.dropped & set(ids), "what was dropped is not decided"
        assert all(letter.key != b"steady" for letter in self.letters().values()), "other keys go on"

    def settle(self) -> None:
        while self.worker.next < len(self.log):
            self.worker.take(self.log, 5)
        self.acknowledge_all()
        while self.worker.slices:
            self.commit()

    def finish(self) -> None:
        """The operator gets everything done, and nothing is lost: no message, and no answer."""
        for _ in range(4):
            self.settle()
            for key in (0, 1):
                self.replay_key(2 + key)
        self.settle()
        assert self.letters() == {}
        assert self.worker.queues.blocked == 0
        answered = {int(value or b"") for _, value in self.kept["out"]}
        for key in KEYS:
            wanted = [number for number in self.sent[key] if number not in self.dropped]
            assert self.worker.rows.get(key, {"ids": []})["ids"] == wanted
            assert set(wanted) <= answered


def repaired(letter: Letter) -> bytes | None:
    message = json.loads(mail.replay(letter, None).value)
    return json.dumps({**message, "is": "good"}).encode() if message["is"] == "poison" else None
