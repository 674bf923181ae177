"""One product under random messages, in slices, with crashes between the rows of a slice: nothing is made or lost.

A slice writes each row once, reservations and adjustments before the counters. A crash keeps any prefix of the rows of
the slice, and every message of it comes again. The rows must end as they do without any crash.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.domain import stock
from app.domain.stock import Adjustment, LineStatus, Reservation, Stock

Verb: TypeAlias = Literal["reserve", "release", "commit", "adjust", "set"]
Message: TypeAlias = tuple[Verb, str, int]
Row: TypeAlias = Stock | Reservation | Adjustment


@dataclass
class Product:
    """The rows of one product by key; `counters` is the last to be written."""

    rows: dict[str, Row] = field(default_factory=dict)
    written: dict[str, Row] = field(default_factory=dict)

    def get(self, key: str) -> Row | None:
        return self.written.get(key, self.rows.get(key))

    def handle(self, message: Message, offset: int) -> object:
        """Decides one message; returns what its sender is told."""
        verb, key, quantity = message
        counters, known = self.get("counters"), self.get(key)
        assert counters is None or isinstance(counters, Stock)
        if verb in ("adjust", "set"):
            assert known is None or isinstance(known, Adjustment)
            supply = stock.adjust if verb == "adjust" else stock.set_on_hand
            supplied = supply(counters, known, quantity, offset)
            self.write(key, supplied.adjustment, supplied.stock)
            return supplied.ok
        assert known is None or isinstance(known, Reservation)
        if verb == "reserve":
            decided = stock.reserve(counters, known, quantity, offset)
        else:
            decided = (stock.release if verb == "release" else stock.commit)(counters, known, offset)
        self.write(key, decided.reservation, decided.stock)
        return decided.status

    def write(self, key: str, row: Row | None, counters: Stock | None) -> None:
        if row is not None:
            self.written[key] = row
        if counters is not None:
            self.written["counters"] = counters

    def end_slice(self, kept: int | None = None) -> None:
        """Keeps the first rows of the slice, all of them when `kept` is None."""
        in_order = sorted(self.written.items(), key=lambda row: row[0] == "counters")
        self.rows |= dict(in_order[:kept])
        self.written = {}


orders = st.sampled_from(["o1", "o2", "o3"])
line_messages = st.tuples(st.sampled_from(["reserve", "reserve", "release", "commit"]), orders, st.integers(1, 4))
supplies = st.tuples(st.sampled_from(["adjust", "set"]), st.sampled_from(["k1", "k2", "k3"]), st.integers(-3, 8))
supplied_first: list[Message] = [("adjust", "k0", 6)]
messages: st.SearchStrategy[list[Message]] = st.builds(
    lambda first, rest: first + rest,
    st.sampled_from([supplied_first, supplied_first, []]),
    st.lists(st.one_of(line_messages, supplies), max_size=25),
)
cuts = st.lists(st.tuples(st.integers(1, 6), st.one_of(st.none(), st.integers(0, 6))), max_size=12)
"""Slices: how many messages, and how many rows a crash kept (None: it went well)."""


def assert_none_oversold(product: Product) -> Stock:
    counters = product.rows.get("counters", Stock())
    assert isinstance(counters, Stock)
    assert counters.available >= 0
    assert counters.reserved >= 0
    return counters


def assert_conserved(product: Product) -> None:
    rows = product.rows.values()
    counters = assert_none_oversold(product)
    held = [row for row in rows if isinstance(row, Reservation)]
    supplied = sum(row.delta for row in rows if isinstance(row, Adjustment) and row.ok)
    gone = sum(row.quantity for row in held if row.status is LineStatus.COMMITTED)
    assert counters.reserved == sum(row.quantity for row in held if row.status is LineStatus.RESERVED)
    assert counters.on_hand == supplied - gone


def undisturbed(log: Sequence[Message]) -> Product:
    product = Product()
    for offset, message in enumerate(log):
        product.handle(message, offset)
        product.end_slice()
        assert_conserved(product)
    return product


@settings(max_examples=400, deadline=None, database=None)
@given(messages)
def test_nothing_is_made_or_lost(log: list[Message]) -> None:
    undisturbed(log)


@settings(max_examples=600, deadline=None, database=None)
@given(messages, cuts)
@example([("adjust", "k0", 6), ("commit", "o1", 1), ("reserve", "o1", 1)], [(3, 2)])  # a commit before its reserve
def test_crashes_leave_no_trace(log: list[Message], slices: list[tuple[int, int | None]]) -> None:
    product, committed = Product(), 0
    for size, kept in [*slices, (len(log), None)]:
        for offset in range(committed, min(committed + size, len(log))):
            product.handle(log[offset], offset)
        product.end_slice(kept)
        if kept is None:
            committed = min(committed + size, len(log))
        assert_none_oversold(product)
    assert product.rows == undisturbed(log).rows


@settings(max_examples=300, deadline=None, database=None)
@given(messages, st.data())
def test_messages_that_were_applied_long_ago_change_nothing(log: list[Message], data: st.DataObject) -> None:
    product = undisturbed(log)
    before = dict(product.rows)
    counters = before.get("counters", Stock())
    assert isinstance(counters, Stock)
    for offset in data.draw(st.lists(st.integers(0, max(0, counters.applied)), max_size=6)):
        if counters.applied >= 0:
            product.handle(log[offset], offset)
    product.end_slice()
    assert {key: row for key, row in product.rows.items() if key in before} == before
