"""What a load run is going to place, and when: a choice that `seed` repeats, with ids that no other run has."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

MOST_PIECES: Final = 3
"""Pieces of a line, at most."""
CANCEL_WITHIN_S: Final = 0.1
"""A cancel follows its order within this, so that orders are met at every step of their way."""


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """A load run: so many orders, of `lines` (fewest, most) different `products` each.

    `rate_per_s` 0 means as fast as `concurrency` calls at once allow. `cancel_share` and `double_share` (0 to 1) of the
    orders are cancelled, or posted twice at once. The run gives up when no order was taken or came to rest for
    `timeout_s`.
    """

    orders: int
    rate_per_s: float
    products: tuple[str, ...]
    lines: tuple[int, int]
    cancel_share: float
    double_share: float
    concurrency: int
    seed: int | None
    timeout_s: float


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order to be posted `due_s` after the start (None: at once), twice if `doubled`.

    `cancel_after_s`: how long after it was taken it is cancelled; None for never.
    """

    due_s: float | None
    body: dict[str, Any]
    doubled: bool
    cancel_after_s: float | None

    @property
    def order_id(self) -> str:
        """The id it is posted with."""
        return str(self.body["orderId"])


def plan(options: LoadOptions) -> Iterator[PlannedOrder]:
    """The orders of a run, one after the other."""
    chance = random.Random(options.seed)  # noqa: S311 - chooses orders, keeps no secret
    run = f"load-{uuid.uuid4().hex[:12]}"
    fewest, most = (min(count, len(options.products)) for count in options.lines)
    for number in range(options.orders):
        chosen = chance.sample(options.products, chance.randint(fewest, most))
        items = [{"productId": product, "quantity": chance.randint(1, MOST_PIECES)} for product in chosen]
        cancelled, doubled = chance.random() < options.cancel_share, chance.random() < options.double_share
        yield PlannedOrder(
            due_s=number / options.rate_per_s if options.rate_per_s else None,
            body={"orderId": f"{run}-{number}", "userId": run, "items": items},
            doubled=doubled,
            cancel_after_s=chance.uniform(0, CANCEL_WITHIN_S) if cancelled else None,
        )
