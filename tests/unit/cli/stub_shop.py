"""A shop that takes orders and ships them at once, and can be told to misbehave."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from tests.unit.cli.stub_worker import told


@dataclass
class StubShop:
    """`busy_posts`: so many posts get 503 first. `ends`: how orders end, by number, else SHIPPED.

    `stuck`: numbers of orders that never come to rest. `forgetful`: every post is answered 201.
    """

    busy_posts: int = 0
    ends: dict[int, tuple[str, str | None]] = field(default_factory=dict)
    stuck: frozenset[int] = frozenset()
    forgetful: bool = False
    refuse: bool = False
    posted: Counter[str] = field(default_factory=Counter)
    cancelled: set[str] = field(default_factory=set)

    async def answer(self, request: web.Request, body: Any) -> web.Response:
        if request.method == "POST":
            return self._post(body["orderId"])
        order_id = request.path.split("/")[3]
        if request.method == "PUT":
            self.cancelled.add(order_id)
            return told({"orderId": order_id, "status": "CANCELLING"}, 202)
        return told(self._order(order_id))

    def _post(self, order_id: str) -> web.Response:
        if self.refuse:
            return told({"detail": "The body is not valid."}, 422)
        if self.busy_posts:
            self.busy_posts -= 1
            return told({}, 503, Retry_After="0")
        self.posted[order_id] += 1
        known = self.posted[order_id] > 1 and not self.forgetful
        return told({"orderId": order_id, "status": "PENDING"}, 200 if known else 201)

    def _order(self, order_id: str) -> dict[str, Any]:
        number = int(order_id.rpartition("-")[2])
        if number in self.stuck:
            return {"orderId": order_id, "status": "PENDING", "reason": None}
        status, reason = self.ends.get(number, ("CANCELLED" if order_id in self.cancelled else "SHIPPED", None))
        return {"orderId": order_id, "status": status, "reason": reason}
