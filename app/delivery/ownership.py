"""Which worker holds a key, as this worker knows it."""

import faust

from app.delivery.contract import Owner


def owner_of(app: faust.App, topic: str, key: bytes) -> Owner:
    """Return the owner of `key` in `topic`; `here` only when this worker holds it and is ready to answer."""
    raise NotImplementedError


def workers(app: faust.App) -> list[str]:
    """Return the urls of the workers that hold partitions, this one included, sorted."""
    raise NotImplementedError
