"""The audit of what was asked for and taken: each currency by itself."""

from __future__ import annotations

import pytest

from app import topics
from app.audit import books
from app.audit.report import Kind
from schemas.codec import encode, remade
from schemas.commands import SetStock
from schemas.rows import PaymentRow
from tests.unit.audit.history import History


@pytest.fixture
def history() -> History:
    """One order, shipped: EUR 400 are owed for it, and were taken."""
    history = History()
    history.supply("tea", 10)
    history.place("o1", tea=4)
    return history


def test_an_amount_that_was_taken_in_another_currency_is_found(history: History) -> None:
    """The sum over both currencies would be right."""
    entries = history.documents.payments
    (capture,) = (it for it in entries if it.operation == "capture")
    entries.remove(capture)
    entries += [capture._replace(amount_minor=300, currency="JPY"), capture._replace(amount_minor=100)]
    found = [it for it in history.audit().differences if it.kind is Kind.LEDGER_DIFFERS]
    assert [it.orders for it in found] == [("o1",)]
    assert "400 EUR; taken: 100 EUR, 300 JPY" in found[0].detail


def test_what_was_taken_in_another_currency_and_given_back_is_no_amount(history: History) -> None:
    """The gateway had taken the wrong money, and has put that right."""
    (capture,) = (it for it in history.documents.payments if it.operation == "capture")
    wrong = capture._replace(currency="JPY")
    history.documents.payments.extend([wrong, wrong._replace(operation="refund")])
    assert not [it for it in history.audit().differences if "owed for" in it.detail]


def test_an_order_that_costs_nothing_is_paid_with_nothing(history: History) -> None:
    history.send(topics.INVENTORY, "gift", SetStock("gift", "s-gift", 0, "EUR", quantity=5))
    history.place("o2", gift=1)
    report = history.audit()
    assert (report.differences, report.ended) == ([], {"SHIPPED": 2})
    assert report.owed == report.taken == {"EUR": 400}


def test_a_payment_that_lost_its_amount_is_found(history: History) -> None:
    """Nothing is an amount, too, and not the one that was asked for."""
    row = remade(PaymentRow, history.rows[books.PAYMENTS.name]["o1"], amount_minor=0, currency="")
    history.append(books.PAYMENTS.changelog, b"o1", encode(row))
    assert history.found() == [(Kind.ROW_DIFFERS, ("o1",), ())]
