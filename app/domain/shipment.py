"""One order's shipment: book it, or call it off as long as it has not left."""

from __future__ import annotations

from typing import Final, TypeAlias

from app.domain import outside
from app.domain.value import Word


class ShipmentStatus(Word):
    """How far a shipment is."""

    NONE = "NONE"
    ASKED = "ASKED"
    BOOKED = "BOOKED"
    REFUSED = "REFUSED"
    CALLED_OFF = "CALLED_OFF"
    LEFT = "LEFT"
    """It was to be called off, and had left the warehouse."""


class ShipmentWant(Word):
    """What the order asks of the shipment, each further than the one before."""

    BOOK = "BOOK"
    CALL_OFF = "CALL_OFF"


class ShipmentOperation(Word):
    """What is asked of the carrier."""

    BOOK = "book"
    CALL_OFF = "call_off"


Shipment: TypeAlias = outside.Errand[ShipmentStatus, ShipmentWant, ShipmentOperation]
ShipmentDecision: TypeAlias = outside.ErrandDecision[ShipmentStatus, ShipmentWant, ShipmentOperation]

_S, _W, _O = ShipmentStatus, ShipmentWant, ShipmentOperation

RULES: Final = outside.Rules(
    wants=(_W.BOOK, _W.CALL_OFF),
    opened=_S.ASKED,
    closed=_S.CALLED_OFF,
    operations={
        (_S.ASKED, _W.BOOK): _O.BOOK,
        (_S.BOOKED, _W.CALL_OFF): _O.CALL_OFF,
    },
    outcomes={
        (_O.BOOK, True): _S.BOOKED,
        (_O.BOOK, False): _S.REFUSED,
        (_O.CALL_OFF, True): _S.CALLED_OFF,
        (_O.CALL_OFF, False): _S.LEFT,
    },
)
