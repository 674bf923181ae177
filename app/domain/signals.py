"""What an order can be told: by a customer, by the clock, or by one of its legs."""

from __future__ import annotations

from typing import TypeAlias

from app.domain.order import Line, PaymentView, Reason, ShipmentView, Verb
from app.domain.stock import LineStatus
from app.domain.value import Value, Word


class Ask(Word):
    """What a person may ask of an order that is under way."""

    PAY = "PAY"
    SHIP = "SHIP"
    CANCEL = "CANCEL"


class Placed(Value, frozen=True):
    """An order is placed. `fingerprint` stands for its whole content: two orders with one id differ in it."""

    lines: tuple[Line, ...]
    fingerprint: str = ""
    manual_payment: bool = False
    manual_shipping: bool = False


class Asked(Value, frozen=True):
    """A person asks for something; `reason` is their word for it, kept when the order is cancelled for it."""

    what: Ask
    reason: str = ""


class DeadlinePassed(Value, frozen=True):
    """The time of one state is over. Counts only while the order still has this version, and from `due_at_ms` on."""

    version: int
    due_at_ms: int = 0


class LineTold(Value, frozen=True):
    """The present status of a line at its product, with its price while it is reserved, or why it was rejected."""

    product_id: str
    status: LineStatus
    unit_price_minor: int = 0
    currency: str = ""
    shortage: Reason | None = None


class PaymentTold(Value, frozen=True):
    """The present state of the payment."""

    payment: PaymentView


class ShipmentTold(Value, frozen=True):
    """The present state of the shipment."""

    shipment: ShipmentView


class LegStalled(Value, frozen=True):
    """The world outside was asked again and again for what this command wants, and gave no definite answer.

    It is asked on. Counts only while the leg still has to answer this command.
    """

    leg: str
    verb: Verb


Signal: TypeAlias = Placed | Asked | DeadlinePassed | LegStalled | LineTold | PaymentTold | ShipmentTold
