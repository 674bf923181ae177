"""The steps of an order that a person may take by hand: paying it and having it shipped."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from app import topics
from app.domain import saga
from app.domain.order import Order, State
from schemas.commands import OrderMessage
from schemas.http import Answer, Request
from schemas.rows import OrderRow
from views.bodies import answer
from views.held import missing
from views.idempotency import once
from views.order_reads import order_row
from views.owner import on_owner
from views.position import of_order
from views.problems import Problem, conflict
from views.projection import find_order, projected
from views.rows import tell
from views.trace import trace_of


@dataclass(frozen=True, slots=True)
class Step:
    """One such step.

    The order waits for it in the state `waits_in`, and `begun` says whether it was taken up. `answers` has the status
    for the states in which there is nothing left to do. `show` tells the step's outcome; the read model keeps it as
    the `part` of its document, a `kind`, and it is done when its status is in `done`.
    """

    name: str
    waits_in: State
    begun: Callable[[Order], bool]
    answers: Mapping[State, int]
    show: Callable[[OrderRow], Answer]
    kind: type[Answer]
    part: str
    done: frozenset[str]


async def take(step: Step, request: web.Request, body: Request, message: OrderMessage) -> web.StreamResponse:
    """Take the step for the order that `message`, made of `body`, is for. Raises `Problem`: 400, 404, 409, 422, 503."""
    order_id = message.order_id

    async def here(partition: int) -> web.Response:
        row, told = await order_row(order_id, partition), None
        if row is None:
            return await _of_finished(step, order_id, partition)
        status = step.answers.get(row.order.state)
        if row.order.state is step.waits_in:
            told = await tell(topics.ORDERS, order_id, message, trace_of(request))
            row = await order_row(order_id, partition) or row
            status = 202 if step.begun(row.order) else None
        if status is None:
            raise _too_late(step, saga.STATUS[row.order.state])
        return answer(step.show(row), status, of_order(row, partition, told).headers)

    return await once(request, body, lambda: on_owner(request, topics.ORDERS, order_id, here))


async def _of_finished(step: Step, order_id: str, partition: int) -> web.Response:
    """The answer for an order that has left the table."""
    found = await find_order(order_id, partition)
    if found is None:
        raise missing(topics.ORDERS, order_id, "order")
    if found.document[step.part]["status"] not in step.done:
        raise _too_late(step, found.document["status"])
    return projected(found, step.kind, lambda document: document[step.part])


def _too_late(step: Step, status: str) -> Problem:
    return conflict(f"The order is {status}: it does not wait for its {step.name}.")
