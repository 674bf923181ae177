"""The four participants, as they really are: this is all the simulator knows of their code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple

import tables
from app import topics
from app.delivery import ConsumerRecord, Effects, Kind, Parked, Refused, Rows, Send
from app.domain.outside import Errand
from app.domain.retention import Keeping
from app.participants import farewell, inventory, leaving, orders, payments, shipping
from app.participants.ends import Ended


class Role(NamedTuple):
    """A participant: its topic, its step, how new a row of its table is, when one leaves; for one that makes calls, the
    errand of a row and what the end of a call does; and what is said before a row leaves.

    The step's last argument is the gateway or carrier that the worker would choose just now.
    """

    topic: str
    decide: Callable[[Rows, ConsumerRecord, str], Effects]
    version: Callable[[Any], int]
    leaves_at_ms: Callable[[Any, Keeping], int | None]
    errand: Callable[[Any], Errand[Any, Any, Any]] | None = None
    settle: Callable[[Rows, str, Ended], Effects] | None = None
    farewell: Callable[[Any], list[Send]] = lambda _: []


ROLES: Final = {
    role.topic: role
    for role in (
        Role(
            topics.ORDERS,
            lambda rows, record, _: orders.decide(rows, record),
            tables.orders.version,
            leaving.order_leaves_at_ms,
            farewell=lambda row: farewell.farewell(row),
        ),
        Role(
            topics.INVENTORY,
            lambda rows, record, _: inventory.decide(rows, record),
            tables.inventory.version,
            leaving.stock_leaves_at_ms,
        ),
        Role(
            topics.PAYMENTS,
            lambda rows, record, at: payments.decide(rows, record, at),
            tables.payments.version,
            leaving.payment_leaves_at_ms,
            lambda row: row.payment,
            lambda rows, key, ended: payments.settle(rows, key, ended),
        ),
        Role(
            topics.SHIPPING,
            lambda rows, record, at: shipping.decide(rows, record, at),
            tables.shipments.version,
            leaving.shipment_leaves_at_ms,
            lambda row: row.shipment,
            lambda rows, key, ended: shipping.settle(rows, key, ended),
        ),
    )
}


def handle(role: Role, rows: Rows, record: ConsumerRecord, at: str) -> Effects:
    """One message, as delivery runs it: a refusal is parked."""
    try:
        return role.decide(rows, record, at)
    except Refused as refused:
        return Effects(sends=(topics.park(record, Parked(Kind.REFUSED, refused.reason, record.offset)),))
