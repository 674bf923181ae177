"""Following one order to its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from app.cli.api import Api, after

ENDED: Final = frozenset({"SHIPPED", "REJECTED", "CANCELLED", "NEEDS_ATTENTION"})
WAITING: Final = frozenset({"AWAITING_PAYMENT", "AWAITING_SHIPMENT"})
"""Waiting for a person: at rest too, by the contract."""

_LOOK_EVERY_S: Final = 0.05
_LONGEST_WAIT_S: Final = 30.0
"""The longest that the contract lets a call wait."""


def order_path(order_id: str, more: str = "") -> str:
    """Where the order is found."""
    return f"/v1/orders/{quote(order_id, safe='')}{more}"


async def follow(api: Api, order_id: str, timeout_s: float, tell: Callable[[int, str], None]) -> dict[str, Any]:
    """Tell each status of the order, once, with the milliseconds from its placing to it by the broker's clock.

    Returns the order when it is at rest, or as it is after `timeout_s`. Raises `Failure`.
    """
    give_up, until_s = after(timeout_s), time.monotonic() + timeout_s
    told = 0
    while True:
        # The history has every status with its time, also those that came and went between two looks.
        reply = await api.insist("GET", order_path(order_id, "/events"), give_up)
        events = reply.expect()["items"]
        for event in events[told:]:
            tell(_ms_between(events[0]["at"], event["at"]), event["status"])
        told = len(events)
        status = events[-1]["status"] if events else ""
        if status in ENDED | WAITING or give_up():
            break
        await asyncio.sleep(_LOOK_EVERY_S)
    # The last status is shown while stock is still being settled: the order itself is waited for.
    wait_s = 0 if status in WAITING else min(_LONGEST_WAIT_S, max(0.0, until_s - time.monotonic()))
    return await order_at_rest(api, order_id, int(wait_s))


async def order_at_rest(api: Api, order_id: str, wait_s: int) -> dict[str, Any]:
    """The order when it is at rest, or as it is after `wait_s`. Raises `Failure`."""
    headers = {"Prefer": f"wait={wait_s}"} if wait_s else {}
    reply = await api.insist("GET", order_path(order_id), after(wait_s), headers=headers, timeout_s=wait_s + 10)
    return reply.expect()


def _ms_between(first: str, later: str) -> int:
    return round((datetime.fromisoformat(later) - datetime.fromisoformat(first)).total_seconds() * 1000)
