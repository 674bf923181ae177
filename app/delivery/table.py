"""A Faust table whose rows are written by a participant and survive late writers."""

from collections.abc import Callable, Mapping

import faust

from app.delivery.contract import Row


class RowTable(faust.Table[str, Row]):
    """`str` keys, rows of any type. Made by `row_table`, written by one `Participant` only."""

    def rows_of(self, partition: int) -> Mapping[str, Row]:
        """Return the rows of one partition (empty when it is not ours). Live: don't keep it over an await."""
        raise NotImplementedError

    def row(self, key: str) -> Row | None:
        """Return the row of `key` in whichever owned partition it lies, or `None`."""
        raise NotImplementedError

    @property
    def partitions_held(self) -> frozenset[int]:
        """The partitions whose rows are in memory."""
        raise NotImplementedError


def row_table(
    app: faust.App,
    name: str,
    *,
    partitions: int,
    encode: Callable[[Row], bytes],
    decode: Callable[[bytes], Row],
    version: Callable[[Row], int],
) -> RowTable:
    """Make and register the table `name`, partitioned like the topic of its participant.

    `encode`/`decode` turn a row into its changelog value and back; `version` grows with every change of a
    row, and recovery keeps the row with the highest one.
    """
    raise NotImplementedError
