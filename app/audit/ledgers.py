"""The ledgers outside: what the gateway and the carrier have really done, against how each order ended."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from app.audit.orders import Orders
from app.audit.report import Kind, Report
from app.domain.order import Order, State
from app.domain.payment import PaymentStatus as P
from app.domain.shipment import ShipmentStatus as H

Done = frozenset[tuple[str, bool]]
"""Operations, and whether each went well."""

_AUTHORIZED: Final = ("authorize", True)
_CAPTURED: Final = ("capture", True)
_NOT_CAPTURED: Final = ("capture", False)
_BOOKED: Final = ("book", True)

PAYMENTS: Final[Mapping[str, tuple[Done, ...]]] = {
    P.NONE: (frozenset(),),
    P.CLOSED: (frozenset(),),
    P.DECLINED: (frozenset({("authorize", False)}),),
    P.AUTHORIZED: (frozenset({_AUTHORIZED}),),
    P.CAPTURED: (frozenset({_AUTHORIZED, _CAPTURED}),),
    P.CAPTURE_FAILED: (frozenset({_AUTHORIZED, _NOT_CAPTURED}),),
    P.VOIDED: tuple(frozenset({_AUTHORIZED, ("void", True), *more}) for more in ((), (_NOT_CAPTURED,))),
    P.VOID_FAILED: tuple(frozenset({_AUTHORIZED, ("void", False), *more}) for more in ((), (_NOT_CAPTURED,))),
    P.REFUNDED: (frozenset({_AUTHORIZED, _CAPTURED, ("refund", True)}),),
    P.REFUND_FAILED: (frozenset({_AUTHORIZED, _CAPTURED, ("refund", False)}),),
}
"""What the gateway may have done for an order whose payment ended so."""

SHIPMENTS: Final[Mapping[str, tuple[Done, ...]]] = {
    H.NONE: (frozenset(),),
    H.BOOKED: (frozenset({_BOOKED}),),
    H.REFUSED: (frozenset({("book", False)}),),
    H.CALLED_OFF: (frozenset({_BOOKED, ("call_off", True)}), frozenset()),
    H.LEFT: (frozenset({_BOOKED, ("call_off", False)}),),
}
"""The same for the carrier."""

_OPEN: Final = frozenset({P.AUTHORIZED, P.CAPTURED, P.CAPTURE_FAILED, H.BOOKED})
_UNDONE: Final = frozenset({State.REJECTED, State.CANCELLED})
"""An order that was undone leaves nothing open outside."""

_MONEY: Final = {"capture": 1, "refund": -1}


class Entry(NamedTuple):
    """One operation that was done, once for its key."""

    order_id: str
    operation: str
    ok: bool
    amount_minor: int
    currency: str


def read_entry(document: Mapping[str, Any]) -> Entry:
    """An entry as a ledger keeps it."""
    return Entry(
        str(document.get("order_id")),
        str(document.get("operation")),
        bool(document.get("ok")),
        int(document.get("amount_minor") or 0),
        str(document.get("currency") or ""),
    )


def judge(payments: Iterable[Entry], shipments: Iterable[Entry], orders: Orders, whole: bool, report: Report) -> None:
    """Report what was done outside and should not have been, or the other way round.

    `whole`: the log holds every order there ever was, so that an entry of an unknown order has no cause.
    """
    charged, consigned = _by_order(payments), _by_order(shipments)
    for what, entries, ended in (("gateway", charged, PAYMENTS), ("carrier", consigned, SHIPMENTS)):
        for order_id, done in entries.items():
            _judge_twice(what, order_id, done, report)
            if whole and order_id not in orders.judged:
                mend = f"Ask the {what} what it is, and have it undone there"
                detail = f"the {what} did {_words(done)} for an order that is not in the log"
                report.add(Kind.LEDGER_WITHOUT_CAUSE, f"order {order_id}", detail, mend, orders=(order_id,))
        for order_id in orders.settled:
            order = orders.judged[order_id].order
            status = order.payment.status if ended is PAYMENTS else order.shipment.status
            allowed = () if status in _OPEN and order.state in _UNDONE else ended.get(status, ())
            _judge_end(what, order_id, f"{order.state} and told {status}", entries[order_id], allowed, report)
    for order_id in orders.settled:
        _judge_amount(order_id, orders.judged[order_id].order, charged[order_id], report)


def _by_order(entries: Iterable[Entry]) -> defaultdict[str, list[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.order_id].append(entry)
    return found


def _words(done: Iterable[Entry]) -> str:
    return ", ".join(sorted(f"{it.operation}{'' if it.ok else ' (refused)'}" for it in done)) or "nothing"


def _judge_twice(what: str, order_id: str, done: list[Entry], report: Report) -> None:
    for operation, count in Counter(it.operation for it in done if it.ok).items():
        if count > 1:
            detail = f"the {what} did {operation} {count} times"
            mend = f"Have the {what} undo {count - 1} of them"
            report.add(Kind.CHARGED_TWICE, f"order {order_id}", detail, mend, orders=(order_id,))


def _judge_end(
    what: str, order_id: str, ending: str, done: list[Entry], allowed: tuple[Done, ...], report: Report
) -> None:
    if frozenset((it.operation, it.ok) for it in done) in allowed:
        return
    detail = f"the order is {ending}, and the {what} did {_words(done)}"
    mend = f"Ask the {what} for the order's operations, and do or undo there what is missing"
    report.add(Kind.LEDGER_DIFFERS, f"order {order_id}", detail, mend, orders=(order_id,))


def _judge_amount(order_id: str, order: Order, done: list[Entry], report: Report) -> None:
    owed = {order.currency: order.total_minor} if order.state is State.SHIPPED and order.total_minor else {}
    taken: Counter[str] = Counter()
    for it in done:
        if it.ok and it.operation in _MONEY:
            taken[it.currency] += _MONEY[it.operation] * it.amount_minor
    # by currency: too little of one is not made good by another
    left = {currency: amount for currency, amount in taken.items() if amount}
    report.owed.update(owed)
    report.taken.update(left)
    if left != owed and order.state is not State.NEEDS_ATTENTION:
        detail = f"owed for an order that is {order.state}, in minor units: {_sums(owed)}; taken: {_sums(left)}"
        mend = "Capture or refund the rest at the gateway"
        report.add(Kind.LEDGER_DIFFERS, f"order {order_id}", detail, mend, orders=(order_id,))


def _sums(amounts: Mapping[str, int]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in sorted(amounts.items())) or "nothing"
