"""Orders: what one message does to its order, by `app.domain.saga`, and what the public is told of it."""

from __future__ import annotations

from app import topics
from app.delivery import ConsumerRecord, Effects, Refused, Rows, Send, trace_id_of, traceparent_in
from app.domain import saga
from app.domain.order import Change, Order
from app.domain.saga import Decision
from app.domain.value import replace
from app.participants.order_commands import command_sends
from app.participants.reading import read
from schemas.codec import encode, namespace_of, remade
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
    decision = _with_cause(decision, row, message, record)
    after = _updated(row, message, decision.order) if decision.order else row
    sends = [*command_sends(message.order_id, after, decision.commands), *_facts(after, decision.changes)]
    return Effects(((message.order_id, after),) if decision.order else (), sends)


def _with_cause(decision: Decision, row: OrderRow | None, message: OrderMessage, record: ConsumerRecord) -> Decision:
    """The decision with its message named in the change that it makes; without a trace of its own, in the order's."""
    if decision.order is None or not decision.changes:
        return decision
    [change] = decision.changes
    trace_id = trace_id_of(traceparent_in(record.headers)) or (row.order.history[0].trace_id if row else "")
    caused = replace(change, cause=namespace_of(type(message)), trace_id=trace_id)
    order = replace(decision.order, history=(*decision.order.history[:-1], caused))
    return replace(decision, order=order, changes=(caused,))


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
