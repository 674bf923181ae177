"""A worker, by the contract of `app.delivery`: slices, one record a row, acknowledgements, calls beside the stream.

Whatever it sends waits in a queue for each partition until the broker has it; a crash keeps a prefix of each queue. A
range of offsets is committed only when all that it caused is with the broker and no call of its keys is under way.
"""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from app.delivery.contract import Effects, Send
from app.delivery.restoring import Restoring
from app.domain.outside import Pending
from app.participants.ends import Ended
from tests.model.simulator.broker import Broker, Entry, Gone, Write, changelog, partition_of
from tests.model.simulator.roles import ROLES, Role, handle
from tests.model.simulator.slices import Chain, Leave, Place, Range, Slice


def restored(broker: Broker, place: Place) -> dict[str, Any]:
    """The rows of a partition as a changelog has them."""
    restoring, rows = Restoring(ROLES[place[0]].version), dict[str, Any]()
    for key, row in broker.rows[changelog(place[0]), place[1]]:
        if isinstance(row, Gone):
            restoring.deletion(rows, key, row.version)
        else:
            restoring.row(rows, key, row)
    return rows


@dataclass(eq=False)
class Worker:
    """Owns some partitions of all topics. `at` is the gateway, and the carrier, that it chooses for what is new."""

    broker: Broker
    name: str
    at: str
    rows: dict[Place, dict[str, Any]] = field(default_factory=dict)
    next: dict[Place, int] = field(default_factory=dict)
    ranges: dict[Place, deque[Range]] = field(default_factory=dict)
    queues: dict[Place, deque[tuple[Write, Slice]]] = field(default_factory=lambda: defaultdict(deque))
    chains: dict[tuple[Place, str], Chain] = field(default_factory=dict)
    unsafe: Counter[tuple[Place, str]] = field(default_factory=Counter)
    """How many slices that concern a key are not safe yet. Its row in memory may be of any of them."""
    leaves: dict[Place, Leave] = field(default_factory=dict)

    @property
    def partitions(self) -> set[int]:
        """What it owns."""
        return {partition for _, partition in self.rows}

    def take_over(self, partition: int) -> None:
        """Becomes the owner: rows from the changelog, the newest of each, and messages from the committed offset."""
        for topic in ROLES:
            place = (topic, partition)
            self.rows[place] = restored(self.broker, place)
            self.next[place] = self.broker.committed[place]
            self.ranges[place] = deque()
            self.leaves[place] = Leave()

    def waiting(self, place: Place) -> int:
        """How many messages it could take."""
        return len(self.broker.logs[place]) - self.next[place]

    def take(self, topic: str, most: int) -> list[tuple[Entry, Effects]]:
        """Decides a slice of at most so many messages of each partition, and puts what it causes into the queues."""
        role, made = ROLES[topic], Slice()
        draft: dict[tuple[int, str], Any] = {}
        handled: list[tuple[Entry, Effects]] = []
        for place in [it for it in self.rows if it[0] == topic and self.waiting(it)]:
            first = self.next[place]
            entries = self.broker.logs[place][first : first + most]
            self.next[place] = entries[-1].offset + 1
            taken = Range(entries[-1].offset)
            self.ranges[place].append(taken)
            made.ranges.append(taken)
            for entry in entries:
                effects = self._decide(role, place, entry, draft)
                handled.append((entry, effects))
                if role.errand is not None:
                    for key in dict.fromkeys((entry.key.decode(errors="replace"), *(key for key, _ in effects.rows))):
                        made.keys[place, key].append(taken)
        self.unsafe.update(made.keys.keys())
        self._send(topic, made, draft, [effects for _, effects in handled])
        return handled

    def _decide(self, role: Role, place: Place, entry: Entry, draft: dict[tuple[int, str], Any]) -> Effects:
        effects = handle(role, self.leaves[place].leaving.watch(self.rows[place]), entry, self.at)
        self._write(place, effects, draft)
        return effects

    def _write(self, place: Place, effects: Effects, draft: dict[tuple[int, str], Any]) -> None:
        for key, row in effects.rows:
            before = self.rows[place].pop(key, None) if row is None else None
            if row is not None:
                self.rows[place][key] = row
            draft.pop((place[1], key), None)  # a row stands where it was written last
            draft[place[1], key] = row if before is None else Gone(ROLES[place[0]].version(before))

    def _send(self, topic: str, made: Slice, draft: dict[tuple[int, str], Any], effects: list[Effects]) -> None:
        writes = [Write(changelog(topic), partition, key.encode(), row=row) for (partition, key), row in draft.items()]
        writes += [
            Write(it.topic, partition_of(it.key), it.key, it.value, headers=it.headers)
            for effect in effects
            for it in effect.sends
        ]
        made.unsafe = len(writes)
        for write in writes:
            self.queues[write.topic, write.partition].append((write, made))
        if not writes:
            self._safe(made)

    def acknowledge(self, place: Place, most: int) -> list[Entry]:
        """The broker gets the next records of one queue. Returns what came into a log."""
        entries = []
        queue = self.queues[place]
        for _ in range(min(most, len(queue))):
            write, made = queue.popleft()
            entry = self.broker.append(write)
            if entry is not None:
                entries.append(entry)
            made.unsafe -= 1
            if made.unsafe == 0:
                self._safe(made)
        if not queue:
            del self.queues[place]
        return entries

    def _safe(self, made: Slice) -> None:
        if made.settles is not None:
            self._go_on(made.settles)
        for (place, key), ranges in made.keys.items():
            self.unsafe[place, key] -= 1
            chain = self.chains.get((place, key))
            if chain is not None:
                chain.hold(ranges)
            elif not self.unsafe[place, key]:
                self._start(place, key, ranges)
        for taken in made.ranges:
            taken.safe = True

    def _start(self, place: Place, key: str, ranges: list[Range]) -> None:
        pending = self._pending(place, key)
        if pending is not None:
            chain = self.chains[place, key] = Chain(place, key, pending)
            chain.hold(ranges)

    def _pending(self, place: Place, key: str) -> Pending[Any] | None:
        role, row = ROLES[place[0]], self.rows[place].get(key)
        assert role.errand is not None
        return role.errand(row).pending if row is not None else None

    def settle(self, chain: Chain, ok: bool) -> Effects:
        """A call has ended: what follows goes into the queues as a slice of its own."""
        role, rows = ROLES[chain.place[0]], self.rows[chain.place]
        assert role.settle is not None
        chain.settling = True
        effects = role.settle(rows, chain.key, Ended(ok, "ref", "", 1, self.broker.now_ms))
        made, draft = Slice(), dict[tuple[int, str], Any]()
        made.settles = chain
        self._write(chain.place, effects, draft)
        self._send(chain.place[0], made, draft, [effects])
        return effects

    def _go_on(self, chain: Chain) -> None:
        chain.settling = False
        at = (chain.place, chain.key)
        pending = None if self.unsafe[at] else self._pending(*at)
        if pending is not None:
            chain.pending = pending
            return
        for held in chain.ranges:
            held.holds -= 1
        del self.chains[at]

    def calling(self) -> list[Chain]:
        """The calls under way."""
        return [chain for chain in self.chains.values() if not chain.settling]

    def can_commit(self, place: Place) -> bool:
        """Whether the first of its ranges is done."""
        ranges = self.ranges[place]
        return bool(ranges) and ranges[0].safe and not ranges[0].holds

    def commit(self, place: Place) -> None:
        """Commits as far as all before is done."""
        while self.can_commit(place):
            self.broker.committed[place] = self.ranges[place].popleft().last + 1

    def note(self, place: Place, keys: Iterable[str]) -> None:
        """These rows of a partition are over."""
        leave = self.leaves[place] = Leave(end=len(self.broker.logs[place]))
        for key in keys:
            leave.leaving.note(key, self.rows[place][key])

    def may_leave(self, place: Place) -> bool:
        """Whether no message that the noted rows have seen is read again."""
        return self.broker.committed[place] >= self.leaves[place].end

    def say_farewell(self, place: Place, keys: list[str], sends: list[Send]) -> None:
        """What must be with the broker before these rows leave goes into the queues."""
        leave = self.leaves[place]
        leave.keys, leave.farewell = keys, Slice()
        self._send(place[0], leave.farewell, {}, [Effects(sends=sends)])

    def let_go(self, place: Place) -> dict[str, Any]:
        """Deletes those rows that no message has concerned since; returns them."""
        leave, self.leaves[place] = self.leaves[place], Leave()
        gone = leave.leaving.still(self.rows[place], leave.keys)
        draft = dict[tuple[int, str], Any]()
        self._write(place, Effects(tuple((key, None) for key in gone)), draft)
        self._send(place[0], Slice(), draft, [])
        return gone

    def may_heal(self, place: Place) -> bool:
        """Whether it has decided all that somebody else may have decided: before, its own rows are the older ones."""
        return not self.waiting(place)

    def heal(self, place: Place, keys: Iterable[str]) -> None:
        """Writes the rows of these keys again, or deletes them again."""
        draft = {(place[1], key): self.rows[place].get(key, Gone(None)) for key in keys}
        self._send(place[0], Slice(), draft, [])

    def idle(self) -> bool:
        """Whether it has nothing to do and nothing to commit."""
        taken = any(self.waiting(place) for place in self.rows)
        return not (taken or self.queues or self.chains or any(self.ranges.values()))
