"""What a first visitor sees: the demo catalogue, and the contract's sample order going all its way.

Everything goes over the public HTTP contract, so what is shown is what any client would see.
"""

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from app.embedded.api import API_KEY, WorkerApi
from app.embedded.errors import PartError
from app.embedded.processes import Child
from app.embedded.supervisor import describe_end
from app.embedded.workers import faust_command

SAMPLE_ORDER: dict[str, Any] = {
    "orderId": "123",
    "userId": "456",
    "items": [{"productId": "789", "quantity": 1}],
}
AT_REST = frozenset({"SHIPPED", "REJECTED", "CANCELLED", "NEEDS_ATTENTION"})

_SEED_TIMEOUT_S = 60.0
_ORDER_TIMEOUT_S = 60.0
_POLL_S = 0.002
_RETRY_S = 0.2


def seed_once(home: Path, kafka_url: str, api_url: str, environment: Mapping[str, str]) -> bool:
    """Put the demo catalogue in, unless this home has put it into this Kafka before; returns whether it did.

    `PartError` when the command fails or takes more than a minute.
    """
    seeded = home / "seeded"
    if seeded.exists() and seeded.read_text() == kafka_url:
        return False
    child = Child(
        faust_command("seed", "--url", api_url),
        log=home / "run" / "seed.log",
        mark=api_url,
        env=environment,
    )
    child.start()
    try:
        exit_code = child.wait(_SEED_TIMEOUT_S)
    finally:
        child.kill()
    if exit_code != 0:
        end = "not done after a minute" if exit_code is None else describe_end(exit_code)
        raise PartError(f"The demo catalogue was not put in ({end})", f"See {child.log}", child.log_tail())
    seeded.write_text(kafka_url)
    return True


def place_sample(api: WorkerApi, fresh_id: str) -> tuple[str, float]:
    """Place the contract's sample order; returns its id and when (monotonic seconds) it was sent.

    Where it came before (it keeps its id for ever), the same order goes in as `fresh_id`, so that there is something to
    see. While the workers can't take it the call is repeated; `PartError` when they refuse it or can't for a minute.
    """
    order = dict(SAMPLE_ORDER)
    deadline = time.monotonic() + _ORDER_TIMEOUT_S
    while True:
        sent_at_s = time.monotonic()
        status, answer = api.call("POST", "/v1/orders", order)
        if status == 201:
            return str(order["orderId"]), sent_at_s
        if status in (200, 409) and order["orderId"] != fresh_id:
            order["orderId"] = fresh_id
        elif status not in (0, 503) or time.monotonic() > deadline:
            detail = answer.get("detail") or answer.get("title") or "no answer"
            raise PartError(f"The sample order was not taken: {status} {detail}", "See the workers' logs")
        else:
            time.sleep(_RETRY_S)


def follow(api: WorkerApi, order_id: str, sent_at_s: float, tell: Callable[[str], None]) -> str:
    """Tell each status of an order as it shows, with the milliseconds since it was sent; returns the last one seen.

    Returns when the order is at rest or waits for a person, or after a minute.
    """
    last, deadline = "", sent_at_s + _ORDER_TIMEOUT_S
    while time.monotonic() < deadline:
        status, order = api.call("GET", f"/v1/orders/{order_id}")
        current = str(order.get("status", "")) if status == 200 else last
        if current != last:
            elapsed_ms = 1000 * (time.monotonic() - sent_at_s)
            reason = f" ({order['reason']})" if order.get("reason") else ""
            tell(f"{elapsed_ms:6.0f} ms  {current}{reason}")
            last = current
        if last in AT_REST or last.startswith("AWAITING"):
            break
        time.sleep(_POLL_S)
    return last


def addresses(ports: tuple[int, ...], kafka_url: str, mongo_url: str) -> tuple[str, ...]:
    """The lines that say where everything is, and a call to copy."""
    base = f"http://127.0.0.1:{ports[0]}"
    body = json.dumps({key: value for key, value in SAMPLE_ORDER.items() if key != "orderId"})
    others = tuple(f"          http://127.0.0.1:{port}/v1" for port in ports[1:])
    return (
        f"API       {base}/v1",
        *others,
        f"API page  {base}/api-docs",
        f"Health    {base}/health",
        f"Key       {API_KEY}, with all roles, in development only",
        f"Kafka     {kafka_url}",
        f"MongoDB   {mongo_url}",
        "Try       "
        f"curl -s {base}/v1/orders -H 'x-api-key: {API_KEY}' -H 'content-type: application/json'"
        f" -H 'prefer: wait=5' -d '{body}'",
        "Ctrl-C stops all of it.",
    )
