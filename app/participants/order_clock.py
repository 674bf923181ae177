"""What an order waits for, and the messages that the clock sends when that takes too long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app import topics
from app.delivery import Headers, Send
from app.domain import deadlines
from app.domain.deadlines import Waits
from app.domain.saga import Command
from app.domain.value import replace
from app.participants.order_commands import command_sends
from schemas.codec import encode
from schemas.commands import ReachDeadline
from schemas.rows import OrderRow


@dataclass(frozen=True, slots=True)
class OrderClock:
    """Reminds the legs that have not answered, and turns back an order that has waited too long.

    `trace` gives the headers of what belongs to the trace of an order.
    """

    waits: Waits
    trace: Callable[[OrderRow], Headers] = lambda _: ()

    def due_at_ms(self, row: OrderRow, since_ms: int, rung: int) -> int | None:
        """When to look at the order again."""
        return deadlines.next_look_ms(row.order, self.waits, since_ms, rung)

    def ring(self, row: OrderRow, since_ms: int, rung: int, now_ms: int) -> list[Send]:
        """The commands it still waits for, once more; the deadline, if it has passed."""
        order, due = row.order, deadlines.due(row.order, self.waits, since_ms, rung, now_ms)
        again = [Command(it.leg, it.verb) for it in order.unanswered] if due.reminder else []
        sends = command_sends(row.order_id, row, again)
        if due.deadline_ms is not None:
            passed = ReachDeadline(row.order_id, version=order.version, due_at_ms=due.deadline_ms)
            sends.append(Send(topics.ORDERS, row.order_id.encode(), encode(passed)))
        headers = self.trace(row) if sends else ()
        return [replace(send, headers=headers) for send in sends] if headers else sends
