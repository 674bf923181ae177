"""Replaying and dropping dead letters: in the order of their queues, on record, and never round and round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from app.cli import letters as mail
from app.cli.api import Failure, after
from app.cli.letter_box import LetterBox
from app.cli.letters import MOST_REPLAYS, Letter, Name, State
from app.topics import DEAD_LETTERS
from schemas.dead_letters import Action

NAMED: Final = 5


class Deed(NamedTuple):
    """What is to be done, by whom and why. `value` goes out in place of the letter's own bytes."""

    action: Action
    by: str
    reason: str
    value: bytes | None = None


class Done(NamedTuple):
    """A letter that was handled, and what is known of what came of it."""

    name: Name
    outcome: str
    good: bool


def check(letters: dict[Name, Letter], chosen: Sequence[Name], action: Action, force: bool) -> None:
    """Raise `Failure` when these letters are not to be handled, or not without the ones before them."""
    closed = [name for name in chosen if letters[name].state is not State.OPEN]
    if closed and not (force and action is Action.REPLAY):
        raise Failure(f"{_listed(closed)}: {letters[closed[0]].state} already")
    if action is Action.DROP:
        return
    worn = [name for name in chosen if mail.worn_out(letters[name])]
    if worn and not force:
        raise Failure(
            f"{_listed(worn)}: replayed {MOST_REPLAYS} times in vain; mend the cause, then insist with --force"
        )
    waiting = mail.before(chosen, letters)
    if waiting:
        name, head = waiting[0]
        raise Failure(f"{name} waits for {head}: replay or drop that first, or replay all of its key with --key")


def drop(box: LetterBox, letters: dict[Name, Letter], chosen: Sequence[Name], deed: Deed) -> list[Done]:
    """Drop these letters. Raises `Failure`; what was sent until then is done."""
    done = []
    for name in chosen:
        control = mail.drop(letters[name])
        if control is not None:
            box.send(control)
        _note(box, letters[name], deed)
        # Whether a message without a letter stands in a queue, only its worker knows.
        done.append(Done(name, "dropped, if it was waited for" if letters[name].is_gone else "dropped", True))
    return done


class Replays:
    """Sends letters in turn: first those that wait for nothing, and what waits for them once they have gone through.

    Waits at most `timeout_s` for the workers each time; with 0 it sends everything at once and waits for nothing.
    `on_sent` is told of each. Raises `Failure`; what was sent until then is done.
    """

    def __init__(self, box: LetterBox, deed: Deed, timeout_s: float, on_sent: Callable[[], None]) -> None:
        self._box = box
        self._deed = deed
        self._timeout_s = timeout_s
        self._on_sent = on_sent
        self._letters: dict[Name, Letter] = {}
        self._held: set[tuple[str, int, str] | None] = set()  # the queues whose head did not go through
        self.done: list[Done] = []

    async def run(self, letters: dict[Name, Letter], chosen: Sequence[Name], follow: bool) -> list[Done]:
        """Replay `chosen`; with `follow` also what has come to wait in their queues meanwhile."""
        self._letters = letters
        queues = {letters[name].queue for name in chosen} - {None}
        if not self._timeout_s:
            self.done += [Done(*sent, good=True) for sent in ((n, "sent") for n, _ in self._send(chosen))]
            return self.done
        free = set(mail.heads(letters))
        await self._round([name for name in chosen if name in free])
        await self._round([name for name in chosen if name not in free])
        give_up = after(self._timeout_s)
        while follow and not give_up():
            more = [name for name, it in self._letters.items() if it.queue in queues and it.replays == 0]
            if not more or not all(done.good for done in self.done):
                break
            await self._round(more)
        return self.done

    async def _round(self, names: Sequence[Name]) -> None:
        queues = {name: self._letters[name].queue for name in names}
        left = [name for name in names if queues[name] in self._held]
        self.done += [Done(name, "left: what it waits for did not go through", False) for name in left]
        sent = self._send([name for name in names if name not in left])
        if not sent:
            return
        ends: dict[tuple[str, int], int] = {}
        for name, offset in sent:
            ends[name.topic, name.partition] = max(offset + 1, ends.get((name.topic, name.partition), 0))
        decided = await self._box.decided(ends, self._timeout_s)
        self._letters = self._box.letters()
        told = [self._outcome(name, offset, decided) for name, offset in sent]
        self._held |= {queues[it.name] for it in told if not it.good} - {None}
        self.done += told

    def _send(self, names: Sequence[Name]) -> list[tuple[Name, int]]:
        sent = []
        for name in names:
            offset = self._box.send(mail.replay(self._letters[name], self._deed.value))
            _note(self._box, self._letters[name], self._deed)
            sent.append((name, offset))
            self._on_sent()
        return sent

    def _outcome(self, name: Name, offset: int, decided: bool) -> Done:
        # A message that stood in no queue goes by the offset of its replay.
        again = self._letters.get(name._replace(offset=offset))
        if again is None and self._letters[name].state is State.OPEN:
            again = self._letters[name]
        if again is not None:
            return Done(name, f"{again.parked.kind} again: {again.parked.error}", False)
        return Done(name, "went through", True) if decided else Done(name, "no worker has taken it yet", False)


def _note(box: LetterBox, letter: Letter, deed: Deed) -> None:
    """Put it on record. Only what has happened is, so this comes second."""
    box.send(mail.record_of(letter, deed.action, deed.by, deed.reason, deed.value, DEAD_LETTERS))


def _listed(names: Sequence[Name]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(map(str, names[:NAMED])) + more
