"""Dead letters: every message that is refused, failed or waits must have one, and no other message may.

They also say which messages failed, and which still wait: what will become of these is not known before somebody
replays them, so what depends on them is left out of what is judged.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from app.adapters.kafka_log import Committed, LogRecord, Spans
from app.audit.report import Kind, Report
from app.audit.turns import Failure, Place
from schemas.codec import Decoder, Undecodable
from schemas.dead_letters import Action, DeadLetter, DeadLetterHandled, bytes_of
from schemas.dead_letters import Kind as Why

_read: Final[Decoder[DeadLetter | DeadLetterHandled]] = Decoder((DeadLetter, DeadLetterHandled))


class Letters:
    """The letters there are: their `places`, and the tries that failed."""

    def __init__(self) -> None:
        self.failures: set[Failure] = set()
        self._last: dict[Place, DeadLetter] = {}
        self._replays: defaultdict[Place, int] = defaultdict(int)
        self._dropped: set[Place] = set()

    @property
    def places(self) -> set[Place]:
        """Where the messages of all letters first stood."""
        return set(self._last)

    def take(self, records: Iterable[LogRecord]) -> None:
        """Note letters, and what was done with them. What is no letter of ours concerns no message of ours."""
        for record in records:
            try:
                told = _read(record.value)
            except Undecodable:
                continue
            place = told.topic, told.partition, told.offset
            if isinstance(told, DeadLetterHandled):
                self._replays[place] = max(told.replays, self._replays[place])
                if told.action is Action.DROP:
                    self._dropped.add(place)
                continue
            if place not in self._last or self._last[place].replays < told.replays:
                self._last[place] = told
            if told.kind is Why.FAILED:
                self.failures.add(Failure(place, told.replays, bytes_of(told.value)))

    def waiting(self, topic: str) -> set[str]:
        """The keys whose messages fail or wait, and were neither replayed nor dropped."""
        return {
            key
            for place, key in self._queued(topic)
            if place not in self._dropped and self._last[place].replays >= self._replays[place]
        }

    def places_of(self, topic: str, keys: Collection[str]) -> set[Place]:
        """Where the messages with these keys first stood of which there are letters."""
        return {place for place, it in self._last.items() if it.topic == topic and _key_of(it) in keys}

    def cut(self, topic: str, spans: Spans) -> set[str]:
        """The keys of which a message that failed or waited is not in the log any more."""
        return {key for (_, partition, offset), key in self._queued(topic) if offset < spans[partition].low}

    def _queued(self, topic: str) -> Iterable[tuple[Place, str]]:
        for place, letter in self._last.items():
            if letter.topic == topic and letter.kind is not Why.REFUSED and letter.key is not None:
                yield place, _key_of(letter)


def _key_of(letter: DeadLetter) -> str:
    return (bytes_of(letter.key) or b"").decode(errors="replace")


def judge(
    wanted: Mapping[Place, str],
    parked: set[Place],
    spans: Mapping[str, Spans],
    committed: Committed,
    letters_cut: bool,
    report: Report,
) -> None:
    """Report messages that must be parked and are not, and those that are and need not be.

    `wanted` are those of the topics in `spans`, and why. A partition whose beginning is cut refuses what it would not
    have refused before; with `letters_cut` letters may be gone.
    """
    for place, reason in wanted.items():
        topic, partition, offset = place
        safe = offset < committed.get((topic, partition), 0)
        if safe and not letters_cut and spans[topic][partition].low == 0 and place not in parked:
            mend = f"Set the group's offset of {topic}-{partition} back to {offset} while no worker runs"
            report.add(Kind.NOT_PARKED, f"{topic}-{partition}@{offset}", reason, mend)
    for place in parked - wanted.keys():
        topic, partition, offset = place
        if topic in spans and spans[topic][partition].low == 0:
            detail = "it is in the dead letters, and the log makes something of it"
            mend = "Look at the letter, and send its message again where it is still wanted"
            report.add(Kind.PARKED_WITHOUT_CAUSE, f"{topic}-{partition}@{offset}", detail, mend)
