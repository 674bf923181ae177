"""`seed`: put the demo catalogue into the warehouse, once."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from app.cli.api import Api, Deadline, after
from app.cli.catalogue import CATALOGUE, CURRENCY, ON_HAND, Product
from app.cli.command import CONNECTION, DONE, HttpCommand
from app.cli.stock import show_stock
from app.main import app

_AT_ONCE: Final = 8
_INSIST_S: Final = 40.0


@app.command(*CONNECTION, base=HttpCommand)
async def seed(self: HttpCommand) -> int:
    """Put a demo catalogue of 50 products in.

    Product 789 is among them. Doing it again changes nothing, however much was sold meanwhile.
    """
    give_up = after(_INSIST_S)
    with self.out.progress() as progress:
        bar = progress.add_task("Products", total=len(CATALOGUE))
        async with self.api(_AT_ONCE) as api, asyncio.TaskGroup() as group:
            free = asyncio.Semaphore(_AT_ONCE)

            async def put(product: Product) -> dict[str, Any]:
                async with free:
                    answer = await put_in(api, product, give_up)
                progress.advance(bar)
                return answer

            tasks = [group.create_task(put(product)) for product in CATALOGUE]
    show_stock(self.out, "Demo catalogue", [task.result() for task in tasks])
    return DONE


async def put_in(api: Api, product: Product, give_up: Deadline) -> dict[str, Any]:
    """Have this product in stock, and return its stock as it then is. Raises `Failure`.

    The key is always the same, so that only the first call sets on-hand: a later one has the first one's answer.
    """
    body = {
        "productId": product.product_id,
        "quantity": ON_HAND,
        "mode": "set",
        "price": product.price_minor,
        "currency": CURRENCY,
        "name": product.name,
    }
    headers = {"Idempotency-Key": f"seed-{product.product_id}"}
    return (await api.insist("PUT", "/v1/inventory/update", give_up, body, headers)).expect()
