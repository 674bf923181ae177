"""What customers want: orders of one to five lines, doubles and cancels among them, or one piece of one product."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

CANCELLED, DOUBLED = 0.1, 0.1
UNNAMED = 0.25
METHODS: Final = ("slow", "flaky", "timeout", "declined", "capture-declined")
ODD_METHODS = 0.15


@dataclass(frozen=True, slots=True)
class Wish:
    """One order as its customer posts it. Without an id of its own it is taken by whatever worker is asked."""

    body: dict[str, Any]
    cancel_after_s: float | None = None
    double_after_s: float | None = None
    """When it is posted a second time; 0 is at the same time as the first."""


Shopping = Callable[[random.Random, int], Wish]
"""Makes up the order of this number, from 0."""


def baskets(products: Sequence[str]) -> Shopping:
    """Orders as a shop has them, and customers who click twice or change their minds."""

    def wish(chance: random.Random, number: int) -> Wish:
        chosen = chance.sample(products, chance.randint(1, 5))
        body: dict[str, Any] = {
            "userId": "chaos",
            "items": [{"productId": product, "quantity": chance.randint(1, 3)} for product in chosen],
        }
        if chance.random() < ODD_METHODS:
            body["payment"] = {"method": chance.choice(METHODS)}
        cancel_after_s = chance.random() if chance.random() < CANCELLED else None
        if chance.random() < UNNAMED:  # posted twice, it would be two orders
            return Wish(body, cancel_after_s)
        doubled, at_once = chance.random() < DOUBLED, chance.random() < 0.5
        double_after_s = (0.0 if at_once else 5 * chance.random()) if doubled else None
        return Wish({"orderId": f"c{number}", **body}, cancel_after_s, double_after_s)

    return wish


def one_of(product: str) -> Shopping:
    """One piece of this product for each."""

    def wish(_chance: random.Random, number: int) -> Wish:
        items = [{"productId": product, "quantity": 1}]
        return Wish({"orderId": f"h{number}", "userId": "chaos", "items": items})

    return wish
