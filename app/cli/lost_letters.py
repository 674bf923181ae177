"""Messages whose letters are gone, by the retention of their topic, and which may still head the queue of their key.

What a worker needs to take one off its queue is its name and its key: the letter's bytes are for replays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from app import topics
from app.cli.api import Failure
from app.cli.letters import Letter, Name
from schemas.dead_letters import DeadLetter, Kind, base64_of

QUEUED: Final = (topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING, topics.ANSWERS)
"""The topics whose messages wait in queues. To any other no drop is sent: there it would be a message like others."""


def lost(letters: Mapping[Name, Letter], names: Iterable[Name], key: str | None) -> dict[Name, Letter]:
    """What stands for those of `names` that have no letter, under their key, so that they can be dropped.

    Raises `Failure` where the key is not said, or not that of a letter that is there, and for a topic without queues.
    """
    found: dict[Name, Letter] = {}
    for name in names:
        letter = letters.get(name)
        if letter is None:
            found[name] = _stand_in(name, key)
        elif key is not None and letter.key != key.encode():
            raise Failure(f"{name} has another key than {key}")
    return found


def _stand_in(name: Name, key: str | None) -> Letter:
    if key is None:
        raise Failure(f"There is no dead letter {name}. If its message still holds up others, say their key with --key")
    if name.topic not in QUEUED:
        raise Failure(f"There is no dead letter {name}, and {name.topic} has no queues that it could stand in")
    gone = DeadLetter(
        *name,
        key=base64_of(key.encode()),
        value=None,
        headers=(),
        error="its letter is gone",
        attempt=0,
        kind=Kind.FAILED,
    )
    return Letter(name, gone, parked_ms=0, is_gone=True)
