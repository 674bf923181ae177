"""The four participants, as they are: this is all the simulator knows of `app.participants` and `tables`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import tables
from app import topics
from app.delivery.contract import ConsumerRecord, Effects, Refused, Rows, Send
from app.domain.outside import Errand
from app.participants import inventory, orders, payments, shipping
from app.participants.ends import Ended


class Role(NamedTuple):
    """A participant: its topic, its step, how new a row of its table is, and the errand of a row, if it runs any."""

    topic: str
    decide: Callable[[Rows, ConsumerRecord], Effects]
    version: Callable[[Any], int]
    errand: Callable[[Any], Errand[Any, Any, Any]] | None = None
    settle: Callable[[Rows, str, bool, int], Effects] | None = None


def _settle_payment(rows: Rows, key: str, ok: bool, at_ms: int) -> Effects:
    return payments.settle(rows, key, Ended(ok, "ref", "", 1, at_ms))


def _settle_shipment(rows: Rows, key: str, ok: bool, at_ms: int) -> Effects:
    return shipping.settle(rows, key, Ended(ok, "ref", "", 1, at_ms))


ROLES: Final = {
    role.topic: role
    for role in (
        Role(topics.ORDERS, lambda rows, record: orders.decide(rows, record), tables.orders._version),
        Role(topics.INVENTORY, lambda rows, record: inventory.decide(rows, record), tables.inventory._version),
        Role(
            topics.PAYMENTS,
            lambda rows, record: payments.decide(rows, record, "gateway"),
            tables.payments._version,
            lambda row: row.payment,
            _settle_payment,
        ),
        Role(
            topics.SHIPPING,
            lambda rows, record: shipping.decide(rows, record, "carrier"),
            tables.shipments._version,
            lambda row: row.shipment,
            _settle_shipment,
        ),
    )
}


def handle(role: Role, rows: Rows, record: ConsumerRecord) -> Effects:
    """One message, as delivery runs it: a refusal is parked."""
    try:
        return role.decide(rows, record)
    except Refused as refused:
        letter: Send = topics.park(record, refused)
        return Effects(sends=(letter,))
