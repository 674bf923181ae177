"""What an audit says: every difference, how far it looked, what was in flight, and what it could not judge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What is wrong."""

    ROW_DIFFERS = "ROW_DIFFERS"
    """A table's row is not what the log makes of it."""
    ROW_MISSING = "ROW_MISSING"
    """A message is committed, and the row it changed was never written, or not that far."""
    ROW_WITHOUT_CAUSE = "ROW_WITHOUT_CAUSE"
    """A table's row holds a change that no message of the log causes."""
    MEMORY_DIFFERS = "MEMORY_DIFFERS"
    """A worker has a row in memory that is not the one of its changelog."""
    MEMORY_LACKS = "MEMORY_LACKS"
    """A row is in the changelog, and in no worker's memory."""
    NOT_PARKED = "NOT_PARKED"
    """A message that is refused is not in the dead letters."""
    PARKED_WITHOUT_CAUSE = "PARKED_WITHOUT_CAUSE"
    """A message is in the dead letters that is not refused."""
    OVERSOLD = "OVERSOLD"
    """More is promised than lies in the warehouse."""
    STOCK_SUM = "STOCK_SUM"
    """Counters are not the sum of what was supplied, taken and held."""
    HELD_BY_ENDED = "HELD_BY_ENDED"
    """An order that has ended still holds stock."""
    NOT_TAKEN = "NOT_TAKEN"
    """What was shipped is not what left the warehouse."""
    LEG_DISAGREES = "LEG_DISAGREES"
    """A payment or shipment is not in the state its order was told."""
    COMMAND_LOST = "COMMAND_LOST"
    """An order waits for an answer to a command that was never sent."""
    ANSWER_LOST = "ANSWER_LOST"
    """An order waits for an answer to a command that is done with."""
    CHARGED_TWICE = "CHARGED_TWICE"
    """The gateway has done an operation more than once."""
    LEDGER_DIFFERS = "LEDGER_DIFFERS"
    """A ledger outside is not what the order's end calls for."""
    LEDGER_WITHOUT_CAUSE = "LEDGER_WITHOUT_CAUSE"
    """A ledger outside has an entry for an order that the log does not know."""
    FACT_MISSING = "FACT_MISSING"
    """A public change was not told."""
    FACT_WITHOUT_CAUSE = "FACT_WITHOUT_CAUSE"
    """Something was told that did not happen, or not so."""
    PROJECTION_BEHIND = "PROJECTION_BEHIND"
    """MongoDB lacks a fact that the projection has committed."""
    PROJECTION_DIFFERS = "PROJECTION_DIFFERS"
    """MongoDB shows what was never told."""
    UNREADABLE = "UNREADABLE"
    """A record of a changelog or of the facts can't be decoded."""


class Difference(NamedTuple):
    """One difference: what is wrong with `subject`, the orders and products it comes from, and what would mend it."""

    kind: Kind
    subject: str
    detail: str
    mend: str
    orders: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


class Reach(NamedTuple):
    """How far a partition was looked at: from `low` to `end`, and how much of it the workers had committed."""

    topic: str
    partition: int
    low: int
    committed: int
    end: int


@dataclass(slots=True)
class Report:
    """The result of an audit. Money is in minor units, by currency."""

    differences: list[Difference] = field(default_factory=list)
    reach: list[Reach] = field(default_factory=list)
    orders: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    in_flight: list[str] = field(default_factory=list)
    """Orders that were not at rest, or had a message that was not committed."""
    not_judged: list[str] = field(default_factory=list)
    """What can't be judged, and why."""
    rows: Counter[str] = field(default_factory=Counter)
    overtaken: Counter[str] = field(default_factory=Counter)
    """Rows of a changelog, by table, that were written behind a newer version of theirs; recovery leaves them out."""
    owed: Counter[str] = field(default_factory=Counter)
    """What the shipped orders cost."""
    taken: Counter[str] = field(default_factory=Counter)
    """What the gateway has captured and not refunded, for all orders."""
    records: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything that could be judged agrees."""
        return not self.differences

    def add(self, kind: Kind, subject: str, detail: str, mend: str, **whose: tuple[str, ...]) -> None:
        """Note a difference."""
        self.differences.append(Difference(kind, subject, detail, mend, **whose))

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return {
            "clean": self.clean,
            "differences": [it._asdict() for it in self.differences],
            "orders": self.orders,
            "ended": dict(sorted(self.ended.items())),
            "inFlight": self.in_flight,
            "notJudged": self.not_judged,
            "rows": dict(self.rows),
            "rowsOvertaken": dict(self.overtaken),
            "owedMinor": dict(self.owed),
            "takenMinor": dict(self.taken),
            "records": self.records,
            "reach": [it._asdict() for it in self.reach],
        }
