"""Orders: what one message does to its order, by `app.domain.saga`, and what the public is told of it."""

from __future__ import annotations

from app import topics
from app.delivery import ConsumerRecord, Effects, Refused, Rows, Send
from app.domain import saga
from app.domain.order import Change, Order
from app.participants.order_commands import command_sends
from app.participants.reading import read
from schemas.codec import encode, remade
from schemas.commands import OrderMessage, PlaceOrder
from schemas.facts import ORDER_FACTS
from schemas.rows import OrderRow


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """What one message does to its order. Raises `Refused`."""
    message = read(topics.read_order_message, record, "order_id")
    row: OrderRow | None = rows.get(message.order_id)
    decision = saga.decide(row.order if row else None, message.signal(), record.offset, record.timestamp)
    if decision.refusal:
        raise Refused(decision.refusal)
    after = _updated(row, message, decision.order) if decision.order else row
    sends = [*command_sends(message.order_id, after, decision.commands), *_facts(after, decision.changes)]
    return Effects(((message.order_id, after),) if decision.order else (), sends)


def _updated(row: OrderRow | None, message: OrderMessage, order: Order) -> OrderRow:
    if row is None:
        assert isinstance(message, PlaceOrder), "only a placed order has no row before"
        return OrderRow(
            order_id=message.order_id,
            user_id=message.user_id,
            order=order,
            method=message.method,
            address=message.address,
            metadata=message.metadata,
        )
    return remade(OrderRow, row, **message.amend(), order=order)


def _facts(row: OrderRow | None, changes: tuple[Change, ...]) -> list[Send]:
    if row is None:
        return []
    facts = (remade(ORDER_FACTS[change.status], row, change=change) for change in changes)
    return [Send(topics.ORDER_EVENTS, row.order_id.encode(), encode(fact)) for fact in facts]
