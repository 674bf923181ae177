"""Orders that wait: for an answer that is on its way, or for one that will never come."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, NamedTuple

from faust import Record

from app import topics
from app.adapters.kafka_log import Committed, LogRecord
from app.audit.orders import Orders
from app.audit.report import Kind, Report
from app.domain.order import PAYMENT, SHIPMENT, Verb, line_leg
from schemas import commands

_COMMANDS: Final[dict[Verb, type[Record]]] = {
    Verb.RESERVE: commands.ReserveStock,
    Verb.RELEASE: commands.ReleaseStock,
    Verb.COMMIT: commands.CommitStock,
    Verb.AUTHORIZE: commands.AuthorizePayment,
    Verb.CAPTURE: commands.CapturePayment,
    Verb.REVERSE: commands.ReversePayment,
    Verb.BOOK: commands.BookShipment,
    Verb.CALL_OFF: commands.CallOffShipment,
}
_TOPICS: Final = {PAYMENT: topics.PAYMENTS, SHIPMENT: topics.SHIPPING}


class _Sent(NamedTuple):
    kind: type[Record]
    record: LogRecord


class Waiting:
    """What orders wait for, leg by leg, and the last command that was sent for each. Not of `blocked` products."""

    def __init__(self, orders: Orders, blocked: Collection[str]) -> None:
        self._orders = orders
        legs = {line_leg(product_id) for product_id in blocked}
        self._sent: dict[tuple[str, str], _Sent | None] = {
            (order_id, it.leg): None
            for order_id, row in orders.judged.items()
            for it in row.order.unanswered
            if it.leg not in legs
        }

    def note(self, order_id: str, leg: str, command: Record, record: LogRecord) -> None:
        """Note a command, if somebody waits for its answer."""
        if (order_id, leg) in self._sent:
            self._sent[order_id, leg] = _Sent(type(command), record)

    def judge(self, committed: Committed, report: Report) -> None:
        """Report commands that never came, and answers that never will.

        What caused a command, or was caused by one, is committed only after it is in the log.
        """
        for (order_id, leg), sent in self._sent.items():
            row = self._orders.judged[order_id]
            asked = next(it for it in row.order.unanswered if it.leg == leg)
            kind = _COMMANDS[asked.verb]
            topic = _TOPICS.get(leg, topics.INVENTORY)
            mend = f"Send {kind.__name__} for {order_id} ({leg}) to {topic} again"
            if sent is None or sent.kind is not kind:
                if asked.offset < self._orders.committed(order_id):
                    detail = f"{asked.verb} for {leg} was never sent"
                    report.add(Kind.COMMAND_LOST, f"order {order_id}", detail, mend, orders=(order_id,))
            elif sent.record.offset < committed.get((sent.record.topic, sent.record.partition), 0):
                where = f"{sent.record.topic}-{sent.record.partition}@{sent.record.offset}"
                detail = f"{asked.verb} for {leg}, at {where}, is committed, and its answer never came"
                report.add(Kind.ANSWER_LOST, f"order {order_id}", detail, mend, orders=(order_id,))
