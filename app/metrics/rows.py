"""Counts over the rows that a worker holds, kept up to date with each write: a scrape never looks at all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping
from typing import Any

Row = Any


class RowCount:
    """How many rows there are of each label; `label` gives None for one that does not count."""

    def __init__(self, label: Callable[[Row], Hashable | None]) -> None:
        self._label = label
        self._counts: dict[int, Counter[Hashable]] = {}

    def begin(self, partition: int, rows: Mapping[str, Row]) -> None:
        """The partition is ours from now on, with these rows."""
        self._counts[partition] = Counter(label for row in rows.values() if (label := self._label(row)) is not None)

    def leave(self) -> None:
        """No partition is ours any more."""
        self._counts.clear()

    def written(self, partition: int, _key: str, before: Row | None, after: Row | None) -> None:
        """A row has become another, or nothing."""
        counts = self._counts.get(partition)
        if counts is None:
            return  # it left
        old = None if before is None else self._label(before)
        new = None if after is None else self._label(after)
        if old == new:
            return
        if old is not None:
            counts[old] -= 1
        if new is not None:
            counts[new] += 1

    def totals(self) -> Counter[Hashable]:
        """The counts over all partitions."""
        return sum(self._counts.values(), Counter[Hashable]())


class RowsSince:
    """The rows that wait for something, and since when; `since_ms` gives None for one that waits for nothing.

    It is meant for rows of which few wait at a time.
    """

    def __init__(self, since_ms: Callable[[Row], int | None]) -> None:
        self._since_ms = since_ms
        self._waiting: dict[int, dict[str, int]] = {}

    def begin(self, partition: int, rows: Mapping[str, Row]) -> None:
        """The partition is ours from now on, with these rows."""
        told = ((key, self._since_ms(row)) for key, row in rows.items())
        self._waiting[partition] = {key: since_ms for key, since_ms in told if since_ms is not None}

    def leave(self) -> None:
        """No partition is ours any more."""
        self._waiting.clear()

    def written(self, partition: int, key: str, _before: Row | None, after: Row | None) -> None:
        """A row has become another, or nothing."""
        waiting = self._waiting.get(partition)
        if waiting is None:
            return  # it left
        since_ms = None if after is None else self._since_ms(after)
        if since_ms is None:
            waiting.pop(key, None)
        else:
            waiting[key] = since_ms

    def count(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiting.values()))

    def oldest_ms(self) -> int | None:
        """Since when the one waits that has waited longest."""
        return min((since_ms for waiting in self._waiting.values() for since_ms in waiting.values()), default=None)
