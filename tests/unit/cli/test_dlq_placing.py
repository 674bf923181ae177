"""What was refused is no part of a key's queue, and is not replayed into an order that is shipped a second time."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from app import topics
from app.audit import books
from app.cli.api import Failure
from app.cli.dlq import _chosen
from app.cli.letters import Letter, Name, found
from app.cli.placing import check_placing
from app.domain.order import State
from schemas.codec import encode
from schemas.commands import CancelOrder, ForgetShipment, PlaceOrder
from schemas.dead_letters import Action, DeadLetter, Kind, base64_of
from tests.unit.audit.history import History

ORDER = encode(PlaceOrder("o1", "bob", (("tea", 5),), "another content"))
DAY_S = 24 * 3600.0
NOW_S = 40 * DAY_S
NOTHING_SAID: dict[str, Any] = {"topic": None, "kind": None, "error": None, "since_ms": None, "until_ms": None}


@pytest.fixture
def history() -> Iterator[History]:
    """The order o1 is shipped; another one of its id is refused, and a message about its shipment has failed."""
    logging.disable(logging.ERROR)
    made = History()
    made.supply("tea", 50)
    made.place("o1", tea=2)
    made.append(topics.ORDERS, b"o1", ORDER)
    made.poison = b"shipment.forget"
    made.send(topics.SHIPPING, "o1", ForgetShipment("o1"))
    made.run()
    yield made
    logging.disable(logging.NOTSET)


def chosen(history: History, handled: bool, **said: Any) -> list[Kind]:
    letters = {it.name: it for it in history.letters()}
    options = NOTHING_SAID | {"key": "o1", "state": "open"} | said
    return [letters[name].parked.kind for name in _chosen(letters, (), options, handled)]


def test_by_its_key_what_was_refused_is_shown_and_left_alone(history: History) -> None:
    assert chosen(history, handled=False) == [Kind.REFUSED, Kind.FAILED]
    assert chosen(history, handled=True) == [Kind.FAILED]
    assert chosen(history, handled=True, kind="refused") == [Kind.REFUSED], "whoever asks for it has it"
    assert chosen(history, handled=True, key=None) == [Kind.REFUSED, Kind.FAILED]


def test_an_order_that_was_refused_and_is_replayed_when_its_id_is_forgotten_is_shipped_again(history: History) -> None:
    letter, failed = history.letters()
    with pytest.raises(Failure, match=f"{letter.name} was refused, and places an order: .* insist with --force"):
        check_placing([letter], None, DAY_S, 0)
    for table in (books.ORDERS, books.PAYMENTS, books.SHIPMENTS):
        history.rows[table.name].clear()
    history.rows[books.INVENTORY.name].pop("tea/order/o1")
    history.poison = b""
    history.handle(topics.SHIPPING, failed.name.offset, Action.DROP)
    history.handle(topics.ORDERS, letter.name.offset, Action.REPLAY)
    again = history.rows[books.ORDERS.name]["o1"]
    assert (again.user_id, again.order.state) == ("bob", State.SHIPPED)
    assert history.rows[books.INVENTORY.name]["tea"].stock.on_hand == 50 - 2 - 5


def refused(value: bytes, age_s: float, kind: Kind = Kind.REFUSED, topic: str = topics.ORDERS) -> Letter:
    parked = DeadLetter(
        topic=topic,
        partition=0,
        offset=7,
        key=base64_of(b"o1"),
        value=base64_of(value),
        headers=(),
        error="it can't be decoded",
        attempt=1,
        kind=kind,
    )
    return found([(parked, int(1000 * (NOW_S - age_s)))])[Name(topic, 0, 7)]


@pytest.mark.parametrize(
    ("letter", "value"),
    [
        (refused(ORDER, 1.1 * DAY_S), None),
        (refused(b"rubbish", 1.1 * DAY_S), ORDER),
    ],
)
def test_after_a_day_nobody_knows_whether_there_was_such_an_order(letter: Letter, value: bytes | None) -> None:
    with pytest.raises(Failure, match="orders-0-7 was refused, and places an order"):
        check_placing([letter], value, DAY_S, NOW_S)
    check_placing([letter], value, 2 * DAY_S, NOW_S)


@pytest.mark.parametrize(
    ("letter", "value"),
    [
        (refused(b"rubbish", 0.9 * DAY_S), ORDER),
        (refused(b"rubbish", 29 * DAY_S), None),
        (refused(encode(CancelOrder("o1")), 29 * DAY_S), None),
        (refused(ORDER, 29 * DAY_S), encode(CancelOrder("o1"))),
        (refused(ORDER, 29 * DAY_S, Kind.FAILED), None),
        (refused(ORDER, 29 * DAY_S, topic=topics.PAYMENTS), None),
    ],
)
def test_all_else_is_replayed_without_more_ado(letter: Letter, value: bytes | None) -> None:
    check_placing([letter], value, DAY_S, NOW_S)
