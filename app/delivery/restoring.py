"""Rows as a changelog makes them: of each key the newest, which is not always the last.

A worker that was paused and woken may have written behind its successor's back: an older row, or the deletion of a row
that has changed since. So a deletion carries the version of the row that it ends, and counts like one: it is newer than
that row, and older than any later one.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Final

from app.delivery.contract import Headers, Row

VERSION: Final = "x-version"
"""The header of a deletion that says which version of its row it ends."""


class Restoring:
    """One partition while its changelog is read. `version` grows with every change of a row."""

    def __init__(self, version: Callable[[Row], int]) -> None:
        self._version = version
        self._ended: dict[str, int] = {}

    def row(self, rows: MutableMapping[str, Row], key: str, row: Row) -> bool:
        """Take a row, unless something newer is known; tell whether this is the newest."""
        version, known = self._version(row), rows.get(key)
        if version <= self._ended.get(key, -1) or (known is not None and version < self._version(known)):
            return False
        rows[key] = row
        return True

    def deletion(self, rows: MutableMapping[str, Row], key: str, version: int | None) -> bool:
        """As `row`. Without a version it ends what is known, and whatever comes later begins anew.

        An owner that finds a row which it does not know can't tell: it may be of before a deletion, or of a message
        that is still to be decided, and then the same row is written once more.
        """
        known = rows.get(key)
        if version is not None:
            if known is not None and version < self._version(known):
                return False
            self._ended[key] = max(version, self._ended.get(key, -1))
        rows.pop(key, None)
        return True


def version_header(version: int) -> Headers:
    """The headers of a deletion that ends this version of a row."""
    return ((VERSION, str(version).encode()),)


def version_in(headers: Headers) -> int | None:
    """The version in a deletion's headers; None when they say nothing of it."""
    version = dict(headers).get(VERSION, b"")
    return int(version) if version.isdigit() and len(version) < 20 else None
