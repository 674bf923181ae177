"""What a seed decides before anything happens: products, orders, and what people and bad luck will do to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any, Final

from faust import Record

from app import topics
from schemas.codec import encode
from schemas.commands import AdjustStock, CancelOrder, PayOrder, PlaceOrder, ReachDeadline, SetStock, ShipOrder
from schemas.values import Mode

PRODUCTS: Final = ("tea", "cup", "pot")
Sent = tuple[str, str, Record | bytes]
"""(topic, key, message)."""


@dataclass
class Plan:
    """Chances are a step. `steps`: how long bad luck lasts; afterwards everything runs to its end undisturbed."""

    random: Random
    steps: int
    crash: float
    double: float
    move: float
    pause: float
    remind: float
    lose_answer: float
    refusals: float
    stall: float
    slice_size: int
    age: float = 0.0
    orders: dict[str, PlaceOrder] = field(default_factory=dict)
    sends: list[Sent] = field(default_factory=list)


def plan(seed: int) -> Plan:
    """The plan of this seed."""
    random = Random(seed)
    made = Plan(
        random,
        steps=random.choice((60, 150, 300)),
        crash=random.choice((0.0, 0.01, 0.03, 0.08)),
        double=random.choice((0.0, 0.02, 0.06)),
        move=random.choice((0.0, 0.01)),
        pause=random.choice((0.0, 0.0, 0.02, 0.05)),
        remind=random.choice((0.0, 0.03)),
        lose_answer=random.choice((0.0, 0.3, 0.6)),
        refusals=random.choice((0.0, 0.0, 0.1, 0.4)),
        stall=random.choice((0.0, 0.0, 0.2)),
        slice_size=random.choice((1, 2, 4, 8)),
    )
    for number in range(random.randint(1, 5)):
        _order(made, f"o{number}")
    _strangers(made)
    supplies = _supplies(made)
    if random.random() < 0.3:  # stock comes at any time
        made.sends += supplies
        supplies = []
    random.shuffle(made.sends)
    made.sends += supplies  # the last is sent first
    if random.random() < 0.4:  # long enough for orders to be finished, and forgotten
        made.age, made.steps = random.choice((0.02, 0.1)), random.choice((400, 800))
    return made


def _order(made: Plan, order_id: str) -> None:
    random = made.random
    items = tuple((name, random.randint(1, 2)) for name in random.sample(PRODUCTS, random.choice((1, 1, 2, 2, 3))))
    manual = random.random() < 0.2
    mode = Mode.MANUAL if manual else Mode.AUTO
    order = PlaceOrder(
        order_id=order_id, user_id="u", items=items, fingerprint="f", payment_mode=mode, shipping_mode=mode
    )
    made.orders[order_id] = order
    made.sends.append((topics.ORDERS, order_id, order))
    if manual:
        made.sends += [(topics.ORDERS, order_id, PayOrder(order_id)) for _ in range(random.randint(0, 2))]
        made.sends += [(topics.ORDERS, order_id, ShipOrder(order_id)) for _ in range(random.randint(0, 2))]
    if random.random() < 0.3:
        made.sends.append((topics.ORDERS, order_id, CancelOrder(order_id, reason="changed my mind")))
    for _ in range(random.choice((0, 0, 0, 1, 2))):
        made.sends.append((topics.ORDERS, order_id, ReachDeadline(order_id, version=random.randint(1, 4))))
    if random.random() < 0.1:
        other = PlaceOrder(order_id=order_id, user_id="u", items=(("tea", 1),), fingerprint="another")
        made.sends.append((topics.ORDERS, order_id, other))


def _supplies(made: Plan) -> list[Sent]:
    random, sends = made.random, list[Sent]()
    for name in PRODUCTS:
        for nth in range(random.choice((0, 1, 1, 2, 2, 3))):
            key = f"{name}-{nth}"
            price, currency = random.choice((None, 100, 250)), "USD" if random.random() < 0.05 else "EUR"
            told: dict[str, Any] = {
                "product_id": name,
                "idempotency_key": key,
                "price_minor": price,
                "currency": currency,
            }
            if random.random() < 0.3:
                pieces: Record = SetStock(**told, quantity=random.randint(0, 9))
            else:
                pieces = AdjustStock(**told, quantity=random.randint(-2, 6))
            sends.append((topics.INVENTORY, name, pieces))
    return sends


def _strangers(made: Plan) -> None:
    random = made.random
    if random.random() < 0.2:
        topic = random.choice((topics.ORDERS, topics.INVENTORY, topics.PAYMENTS, topics.SHIPPING))
        made.sends.append((topic, "o0", b"\xff garbage"))
    if random.random() < 0.1:
        made.sends.append((topics.ORDERS, "nobody", CancelOrder("nobody")))


def wire(message: Record | bytes) -> bytes:
    """The bytes of a message, of whatever kind."""
    return message if isinstance(message, bytes) else encode(message)
