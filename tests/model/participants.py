"""The participants of one order as small machines over the real decisions: what one is told, what it becomes and says.

Offsets, versions and times of rows are taken out after each step, as histories that differ in nothing else are one:
this model knows no crashes, so every message is newer than what its row has applied.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, StrEnum
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

from app.domain import outside, payment, saga, shipment, stock
from app.domain.order import PAYMENT, SHIPMENT, Order, PaymentView, Reason, ShipmentView, Verb, line_leg
from app.domain.payment import PaymentWant
from app.domain.shipment import ShipmentWant
from app.domain.signals import LineTold, PaymentTold, ShipmentTold, Signal
from app.domain.stock import NEVER, LineStatus, Reservation, Stock
from app.domain.value import Value, replace

ORDER: Final = "order"
ORDER_ID: Final = "o1"


class Answer(Enum):
    """What a gateway or carrier says to the call under way."""

    YES = True
    NO = False


class Supply(StrEnum):
    """Somebody puts more of the product on the shelf."""

    TWO_PIECES = "SUPPLY"


Message: TypeAlias = Signal | Verb | Answer | Supply


class Broken(AssertionError):
    """A rule does not hold; the text says which."""


class Step(NamedTuple):
    """What a participant has become, and the messages it sends, each with the name of who gets it."""

    row: object
    sends: tuple[tuple[str, Message], ...]


class Participant(Protocol):
    """Decides one message. Raises `Broken`."""

    def __call__(self, row: object, message: Message) -> Step: ...


def order(row: object, message: Message) -> Step:
    """The saga. A row of None has not been placed."""
    assert row is None or isinstance(row, Order)
    assert not isinstance(message, Verb | Answer | Supply)
    decision = saga.decide(row, message, 1)
    if decision.refusal:
        raise Broken(f"the order refuses {message}: {decision.refusal}")
    if row is not None and decision.order is not None and decision.order.history[: len(row.history)] != row.history:
        raise Broken("what was told in public is taken back")
    after = _timeless(decision.order) if decision.order else row
    return Step(after, tuple((it.leg, it.verb) for it in decision.commands))


def _timeless(row: Order) -> Order:
    unanswered = tuple(sorted((replace(it, offset=0) for it in row.unanswered), key=lambda it: it.leg))
    history = tuple(replace(it, offset=0) for it in row.history)
    return replace(row, applied=0, unanswered=unanswered, history=history)


class Shelf(Value, frozen=True):
    """A product's row and its one reservation."""

    counters: Stock | None
    held: Reservation | None = None
    supplied: int = 0


def product(product_id: str, quantity: int) -> Participant:
    """The stock of one product, of which the order wants `quantity`."""

    def handle(row: object, message: Message) -> Step:
        assert isinstance(row, Shelf)
        if message is Supply.TWO_PIECES:
            more = stock.adjust(row.counters, None, 2, 1)
            return Step(_settled(replace(row, counters=more.stock, supplied=row.supplied + 2)), ())
        decided = {
            Verb.RESERVE: lambda: stock.reserve(row.counters, row.held, quantity, 1),
            Verb.RELEASE: lambda: stock.release(row.counters, row.held, 1),
            Verb.COMMIT: lambda: stock.commit(row.counters, row.held, 1),
        }[Verb(str(message))]()
        if decided.status is None:
            raise Broken(f"{product_id} refuses {message}: nothing is held")
        shortage = Reason(decided.shortage.value) if decided.shortage else None
        told = LineTold(product_id, decided.status, 100, "EUR", shortage)
        after = replace(row, counters=decided.stock or row.counters, held=decided.reservation or row.held)
        return Step(_settled(after), ((ORDER, told),))

    return handle


def _settled(row: Shelf) -> Shelf:
    held, counters = row.held, row.counters
    if counters is not None:
        reserved = held.quantity if held and held.status is LineStatus.RESERVED else 0
        gone = held.quantity if held and held.status is LineStatus.COMMITTED else 0
        if counters.available < 0 or (counters.reserved, counters.on_hand) != (reserved, row.supplied - gone):
            raise Broken(f"the counters are off: {row}")
        counters = replace(counters, applied=0)
    return replace(row, counters=counters, held=replace(held, reserved_at=NEVER, settled_at=NEVER) if held else None)


def pay(row: object, message: Message) -> Step:
    """The payment, and the gateway's answers to it."""
    wants = {
        Verb.AUTHORIZE: PaymentWant.AUTHORIZE,
        Verb.CAPTURE: PaymentWant.CAPTURE,
        Verb.REVERSE: PaymentWant.REVERSE,
    }
    return _errand(payment.RULES, wants, lambda status: PaymentTold(PaymentView(status)), row, message)


def ship(row: object, message: Message) -> Step:
    """The shipment, and the carrier's answers to it."""
    wants = {Verb.BOOK: ShipmentWant.BOOK, Verb.CALL_OFF: ShipmentWant.CALL_OFF}
    return _errand(shipment.RULES, wants, lambda status: ShipmentTold(ShipmentView(status)), row, message)


def _errand(
    rules: outside.Rules[Any, Any, Any],
    wants: Mapping[Verb, StrEnum],
    told: Callable[[Any], Signal],
    row: object,
    message: Message,
) -> Step:
    assert row is None or isinstance(row, outside.Errand)
    if isinstance(message, Answer):
        assert row is not None
        decided = outside.settle(rules, row, message.value)
    else:
        decided = outside.decide(rules, row, wants[Verb(str(message))], ORDER_ID, "there")
        if decided.errand and row and row.pending and decided.errand.pending != row.pending:
            raise Broken(f"{row.pending.operation} is under way, and {message} drops it")
    if decided.errand is None:
        raise Broken(f"{message} is refused: nothing was asked before")
    answer = ((ORDER, told(decided.answer)),) if decided.answer is not None else ()
    return Step(replace(decided.errand, version=1), answer)


def participants(quantities: Mapping[str, int]) -> dict[str, Participant]:
    """Everybody an order of these pieces deals with, by the names of its legs; the order itself comes first."""
    shelves = {line_leg(name): product(name, quantity) for name, quantity in quantities.items()}
    return {ORDER: order, **shelves, PAYMENT: pay, SHIPMENT: ship}
