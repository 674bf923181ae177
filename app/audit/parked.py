"""Dead letters: every message that is refused must be parked, and none that is not.

Where a participant failed on a message, the later ones of its key wait. What will become of them is not known before
somebody replays them, so such keys are left out of what is judged.
"""

from __future__ import annotations

from base64 import b64decode
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from app.adapters.kafka_log import Committed, LogRecord, Spans
from app.audit.report import Kind, Report
from schemas.codec import Decoder, Undecodable
from schemas.dead_letters import DeadLetter
from schemas.dead_letters import Kind as Why

_read: Final = Decoder((DeadLetter,))

Place = tuple[str, int, int]
"""Topic, partition, offset."""


class Letters:
    """The letters there are: of refused messages their `places`, of the others, by topic, the keys that they block."""

    def __init__(self) -> None:
        self.places: set[Place] = set()
        self.blocked: defaultdict[str, set[str]] = defaultdict(set)

    def take(self, records: Iterable[LogRecord]) -> None:
        """Note where the letters come from. What is no letter of ours concerns no message of ours."""
        for record in records:
            try:
                letter = _read(record.value)
            except Undecodable:
                continue
            if letter.kind is Why.REFUSED or letter.key is None:
                self.places.add((letter.topic, letter.partition, letter.offset))
            else:
                self.blocked[letter.topic].add(b64decode(letter.key).decode(errors="replace"))


def judge(
    refused: Mapping[Place, str],
    parked: set[Place],
    spans: Mapping[str, Spans],
    committed: Committed,
    letters_cut: bool,
    report: Report,
) -> None:
    """Report refused messages that are not parked, and parked ones that are not refused.

    `refused` are those of the topics in `spans`. A partition whose beginning is cut refuses what it would not have
    refused before; with `letters_cut` letters may be gone.
    """
    for place, reason in refused.items():
        topic, partition, offset = place
        safe = offset < committed.get((topic, partition), 0)
        if safe and not letters_cut and spans[topic][partition].low == 0 and place not in parked:
            mend = f"Set the group's offset of {topic}-{partition} back to {offset} while no worker runs"
            report.add(Kind.NOT_PARKED, f"{topic}-{partition}@{offset}", f"it is refused: {reason}", mend)
    for place in parked - refused.keys():
        topic, partition, offset = place
        if topic in spans and spans[topic][partition].low == 0:
            detail = "it is in the dead letters, and what the log makes of it is no refusal"
            mend = "Look at the letter, and send its message again where it is still wanted"
            report.add(Kind.PARKED_WITHOUT_CAUSE, f"{topic}-{partition}@{offset}", detail, mend)
