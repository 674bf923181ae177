"""Money: whole minor units, one currency an order."""

from __future__ import annotations

from app.domain import money
from app.domain.order import Line
from app.domain.stock import LineStatus


def priced(quantity: int, unit_price_minor: int, currency: str) -> Line:
    return Line(f"p{unit_price_minor}", quantity, LineStatus.RESERVED, unit_price_minor, currency)


def test_the_total_is_pieces_times_price() -> None:
    assert money.total_minor([priced(3, 1_999, "USD"), priced(1, 1, "USD")]) == 5_998


def test_a_line_without_a_price_yet_counts_nothing() -> None:
    assert money.total_minor([priced(3, 1_999, "USD"), Line("new", 5)]) == 5_997


def test_one_currency_none_yet_or_mixed() -> None:
    assert money.currency_of([priced(1, 5, "EUR"), priced(1, 6, "EUR")]) == "EUR"
    assert money.currency_of([priced(1, 5, "EUR"), Line("new", 5)]) == "EUR"
    assert money.currency_of([Line("new", 5)]) == ""
    assert money.currency_of([priced(1, 5, "EUR"), priced(1, 6, "USD")]) is None


def test_the_largest_order_stays_exact_for_every_json_reader() -> None:
    assert 100 * 10_000 * money.MAX_UNIT_PRICE_MINOR < 2**53
