"""What one order makes of Kafka's log: its records, hop by hop, with their real sizes.

The decisions of the participants are run on one order, in memory. So the raw loop, which replays this, always writes
as much as the project does.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import orjson

from agents.payments import GatewayCalls
from agents.shipping import CarrierCalls
from app import topics
from app.adapters.kafka_log import LogRecord
from app.delivery import Effects, Send
from app.participants import inventory, orders, payments, shipping
from app.participants.ends import Ended
from bench import feed
from schemas.codec import encode
from schemas.commands import SetStock

_ENDED = Ended(True, "reference-0123456789", "", 1, 1_700_000_000_000)


@dataclass(frozen=True, slots=True)
class Out:
    """A record that a message causes: `hop` is the place in the list of what it causes in turn, -1 for nothing.

    `key` is `order`, or the number of the order's line; `table` is the changelog's table, empty for any other topic.
    """

    topic: str
    key: str
    size: int
    table: str
    hop: int


@dataclass(frozen=True, slots=True)
class Hop:
    """One message of an order: its size, and all that it causes."""

    size: int
    outs: tuple[Out, ...]

    def as_json(self) -> dict[str, Any]:
        """For the raw loop's process."""
        return asdict(self)


class _Shop:
    """The four participants over rows in memory."""

    def __init__(self) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._offset = 0
        self._places: dict[str, tuple[str, Callable[..., Effects], Any]] = {
            topics.ORDERS: ("orders", orders.decide, None),
            topics.INVENTORY: ("inventory", inventory.decide, None),
            topics.PAYMENTS: ("payments", lambda rows, it: payments.decide(rows, it, "simulated"), GatewayCalls()),
            topics.SHIPPING: ("shipments", lambda rows, it: shipping.decide(rows, it, "simulated"), CarrierCalls()),
        }

    def take(self, send: Send) -> list[tuple[str, Effects]]:
        """The table and the effects of a message, and of the call that it starts."""
        if send.topic not in self._places:
            return []
        table, decide, calls = self._places[send.topic]
        rows = self.rows.setdefault(table, {})
        self._offset += 1
        record = LogRecord(send.topic, 0, self._offset, 1_700_000_000_000, send.key, send.value)
        found = [self._applied(table, decide(rows, record))]
        key = send.key.decode()
        if calls is not None and calls.due(key, rows[key]) is not None:
            found.append(self._applied(table, calls.settle(rows, key, _ENDED)))
        return found

    def _applied(self, table: str, effects: Effects) -> tuple[str, Effects]:
        self.rows[table].update(effects.rows)
        return table, effects


def of_an_order(lines: int) -> list[Hop]:
    """The messages of one order of so many lines, the first first."""
    shop, product_ids = _Shop(), feed.products(lines)
    for product_id in product_ids:
        supply = SetStock(product_id, product_id, quantity=1000, price_minor=100, currency="EUR", name=product_id)
        shop.take(Send(topics.INVENTORY, product_id.encode(), encode(supply)))
    order_id, value = feed.orders("bench-00000000", lines, product_ids)(0)
    waiting = deque([Send(topics.ORDERS, order_id.encode(), value)])
    hops: list[Hop] = []
    while waiting:
        message = waiting.popleft()
        outs: list[Out] = []
        for table, effects in shop.take(message):
            outs += [_row_out(table, key, row, product_ids) for key, row in effects.rows]
            for send in effects.sends:
                waiting.append(send)
                hop = len(hops) + len(waiting)
                outs.append(Out(send.topic, _key(send.key.decode(), product_ids), len(send.value), "", hop))
        hops.append(Hop(len(message.value), tuple(outs)))
    return hops


def _row_out(table: str, key: str, row: Any, product_ids: Sequence[str]) -> Out:
    product = key.partition("/")[0]
    of = _key(product, product_ids)
    return Out("", of if product == key else f"{of}/order", len(encode(row)), table, -1)


def _key(key: str, product_ids: Sequence[str]) -> str:
    return str(product_ids.index(key)) if key in product_ids else "order"


def first_record(
    prefix: str, number: int, lines: int, product_ids: Sequence[str], hops: Sequence[Hop]
) -> tuple[str, bytes]:
    """The order with this number, as the raw loop takes it: its key and its value."""
    order_id = f"{prefix}-{number:07d}"
    chosen = [product_ids[(number * lines + line) % len(product_ids)] for line in range(lines)]
    return order_id, record_of(order_id, chosen, 0, hops[0].size)


def record_of(order_id: str, product_ids: Sequence[str], hop: int, size: int) -> bytes:
    """A record of about `size` bytes that says whose it is, and which hop comes next."""
    told = {"id": order_id, "products": product_ids, "hop": hop, "pad": ""}
    told["pad"] = "x" * max(0, size - len(orjson.dumps(told)))
    return orjson.dumps(told)
