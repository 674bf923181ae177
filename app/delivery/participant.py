"""A participant: one topic, one table, one decision, run slice by slice."""

from collections.abc import Callable
from typing import Any

import faust

from app.delivery.contract import Calls, Decide, Park, Row
from app.delivery.table import RowTable


class Participant:
    """Runs `decide` over a topic; the body of that topic's Faust agent.

    `slice_size` is the most messages taken at once, `in_flight` the most slices that wait for the broker.
    """

    def __init__(
        self,
        app: faust.App,
        topic: str,
        table: RowTable,
        decide: Decide,
        *,
        park: Park,
        calls: Calls | None = None,
        slice_size: int = 500,
        in_flight: int = 4,
    ) -> None:
        raise NotImplementedError

    async def run(self, stream: Any) -> None:
        """Take slices until the worker stops: `await participant.run(stream)` is all the agent does."""
        raise NotImplementedError

    async def applied(self, partition: int, offset: int, timeout_s: float) -> None:
        """Wait until the record at `offset`, and all before it, is decided and what it caused is safe.

        Raises `Moved` when the partition is not, or no longer, ours; `TimeoutError`.
        """
        raise NotImplementedError

    async def caught_up(self, partition: int, timeout_s: float) -> None:
        """As `applied`, up to the end of the partition as the broker has it now."""
        raise NotImplementedError

    async def changed(self, key: str, until: Callable[[Row | None], bool], timeout_s: float) -> Row | None:
        """Wait until the row of `key` satisfies `until`, looking after each safe write; return the row.

        After `timeout_s` it returns the row as it then is. Raises `Moved` when its partition leaves.
        """
        raise NotImplementedError
