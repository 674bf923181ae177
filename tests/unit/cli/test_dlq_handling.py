"""Replays in turn: what waits goes only where what it waits for went through. Kafka and the workers are a stub."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.cli.handling import Deed, Replays
from app.cli.letters import Letter, Name, Outgoing, found
from schemas.codec import Decoder
from schemas.dead_letters import Action, DeadLetter, DeadLetterHandled, Kind, base64_of

read: Decoder[Any] = Decoder((DeadLetter, DeadLetterHandled))


class StubBox:
    """Workers that decide at once: `poison` fails again, each time; `late` are letters that come meanwhile."""

    def __init__(self, *offsets: int, poison: frozenset[int] = frozenset(), late: tuple[int, ...] = ()) -> None:
        self.told: list[tuple[DeadLetter | DeadLetterHandled, int]] = []
        self.sent: list[int] = []
        self.awake = True
        self._poison = poison
        self._late = late
        for offset in offsets:
            self.park(offset, 0, Kind.FAILED if offset == offsets[0] else Kind.WAITING)

    def park(self, offset: int, replays: int, kind: Kind) -> None:
        letter = DeadLetter(
            topic="orders",
            partition=0,
            offset=offset,
            key=base64_of(b"k"),
            value=base64_of(b"{}"),
            headers=(),
            error="boom",
            attempt=3,
            kind=kind,
            replays=replays,
        )
        self.told.append((letter, 0))

    def letters(self) -> dict[Name, Letter]:
        return found(self.told)

    def send(self, record: Outgoing) -> int:
        if record.topic != "orders":
            self.told.append((read(record.value), 0))
            return 0
        headers = dict(record.headers)
        offset = int(headers["x-replay-of"].rsplit(b"-", 1)[1])
        self.sent.append(offset)
        if offset in self._poison:
            self.park(offset, int(headers["x-replay-count"]), Kind.FAILED)
        late, self._late = self._late, ()
        for new in late:
            self.park(new, 0, Kind.WAITING)
        return 100 + len(self.sent)

    async def decided(self, ends: Mapping[tuple[str, int], int], timeout_s: float) -> bool:
        return self.awake


async def outcomes(box: StubBox, timeout_s: float = 20.0, follow: bool = False) -> dict[int, str]:
    letters = box.letters()
    deed = Deed(Action.REPLAY, "ada", "a test")
    replays = Replays(box, deed, timeout_s, lambda: None)  # type: ignore[arg-type]
    done = await replays.run(letters, list(letters), follow)
    return {it.name.offset: it.outcome for it in done}


async def test_a_queue_goes_through_in_its_order() -> None:
    box = StubBox(10, 11, 12)
    assert set((await outcomes(box)).values()) == {"went through"}
    assert box.sent == [10, 11, 12]


async def test_behind_one_that_failed_again_nothing_is_sent() -> None:
    box = StubBox(10, 11, 12, poison=frozenset({10}))
    told = await outcomes(box)
    assert told[10] == "failed again: boom"
    assert {told[11], told[12]} == {"left: what it waits for did not go through"}
    assert box.sent == [10]


async def test_behind_one_that_no_worker_has_taken_nothing_is_sent() -> None:
    box = StubBox(10, 11)
    box.awake = False
    assert (await outcomes(box))[10] == "no worker has taken it yet"
    assert box.sent == [10]


async def test_whoever_waits_for_nothing_sends_all_at_once() -> None:
    box = StubBox(10, 11, poison=frozenset({10}))
    assert await outcomes(box, timeout_s=0) == {10: "sent", 11: "sent"}


async def test_what_comes_to_wait_meanwhile_follows_when_asked_for() -> None:
    box = StubBox(10, 11, late=(20, 21))
    assert list(await outcomes(box, follow=True)) == [10, 11, 20, 21]
    assert box.sent == [10, 11, 20, 21]
    box = StubBox(10, 11, late=(20,))
    await outcomes(box)
    assert box.sent == [10, 11]


async def test_each_replay_is_on_record() -> None:
    box = StubBox(10, 11)
    await outcomes(box)
    (first, _), _ = (letter.handled[0] for letter in box.letters().values())
    assert (first.by, first.reason, first.action, first.replays) == ("ada", "a test", Action.REPLAY, 1)
