"""Keys that are held up: a participant failed on a message of theirs, and the later ones wait for a person behind it.

See docs/dead-letters.md. One more message would only wait, too, and each repetition of the request would add another.
"""

from __future__ import annotations

from typing import Final

from app.delivery import Delivered, owner_of
from app.main import app
from views.problems import Problem, not_found

LOOK_AGAIN_S: Final = 60
"""What a client is asked to wait: a person must act first."""


HELD_UP: Final = "x-held-up"
"""Marks such a `503`: nobody else knows better."""


def is_held(topic: str, key: str) -> bool:
    """Whether messages of this key, of which this worker is the owner, wait behind one that failed."""
    partition = owner_of(app, topic, key.encode()).partition
    return app.participants[topic].parked(partition, key)


def refuse_if_held(topic: str, key: str) -> None:
    """Raise `Problem` (503) when the key is held up: nothing was done, and nobody knows what it would come to."""
    if is_held(topic, key):
        raise _problem("An earlier message about this failed, and waits for a person to look at: nothing was done.")


def missing(topic: str, key: str, what: str) -> Problem:
    """`404` for what has no row and no document; `503` when that may be because its messages are held up."""
    if is_held(topic, key):
        return _problem(f"It can't be told whether there is this {what}: a message about it failed.")
    return not_found(what)


def refuse_if_parked(topic: str, key: str, delivered: Delivered) -> None:
    """Raise `Problem` (503) when this message of the key failed, or waits: it is kept, and may still be done."""
    if app.participants[topic].parked(delivered.partition, key, delivered.offset):
        raise _problem("This could not be decided on. It is kept for a person to look at, and may still be done.")


def _problem(detail: str) -> Problem:
    return Problem(503, detail, headers={"Retry-After": str(LOOK_AGAIN_S), HELD_UP: "1"})
