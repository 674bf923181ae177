"""One order's payment: authorise, then capture, or take it back from wherever it is."""

from __future__ import annotations

from typing import Final, TypeAlias

from app.domain import outside
from app.domain.value import Word


class PaymentStatus(Word):
    """How far a payment is. An answer that was lost is *unknown*, which is no status: it stays asked for."""

    NONE = "NONE"
    ASKED = "ASKED"
    AUTHORIZED = "AUTHORIZED"
    DECLINED = "DECLINED"
    CAPTURED = "CAPTURED"
    CAPTURE_FAILED = "CAPTURE_FAILED"
    VOIDED = "VOIDED"
    REFUNDED = "REFUNDED"
    VOID_FAILED = "VOID_FAILED"
    REFUND_FAILED = "REFUND_FAILED"
    CLOSED = "CLOSED"
    """Taken back before it was asked for: no call was made, and none will be."""


class PaymentWant(Word):
    """What the order asks of the payment, each further than the one before."""

    AUTHORIZE = "AUTHORIZE"
    CAPTURE = "CAPTURE"
    REVERSE = "REVERSE"


class PaymentOperation(Word):
    """What is asked of the gateway."""

    AUTHORIZE = "authorize"
    CAPTURE = "capture"
    VOID = "void"
    REFUND = "refund"


Payment: TypeAlias = outside.Errand[PaymentStatus, PaymentWant, PaymentOperation]
PaymentDecision: TypeAlias = outside.ErrandDecision[PaymentStatus, PaymentWant, PaymentOperation]

_S, _W, _O = PaymentStatus, PaymentWant, PaymentOperation

RULES: Final = outside.Rules(
    wants=(_W.AUTHORIZE, _W.CAPTURE, _W.REVERSE),
    opened=_S.ASKED,
    closed=_S.CLOSED,
    operations={
        (_S.ASKED, _W.AUTHORIZE): _O.AUTHORIZE,
        (_S.AUTHORIZED, _W.CAPTURE): _O.CAPTURE,
        (_S.AUTHORIZED, _W.REVERSE): _O.VOID,
        (_S.CAPTURE_FAILED, _W.REVERSE): _O.VOID,
        (_S.CAPTURED, _W.REVERSE): _O.REFUND,
    },
    outcomes={
        (_O.AUTHORIZE, True): _S.AUTHORIZED,
        (_O.AUTHORIZE, False): _S.DECLINED,
        (_O.CAPTURE, True): _S.CAPTURED,
        (_O.CAPTURE, False): _S.CAPTURE_FAILED,
        (_O.VOID, True): _S.VOIDED,
        (_O.VOID, False): _S.VOID_FAILED,
        (_O.REFUND, True): _S.REFUNDED,
        (_O.REFUND, False): _S.REFUND_FAILED,
    },
)
