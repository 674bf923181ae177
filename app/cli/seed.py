"""`seed`: put the demo catalogue into the warehouse, once."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any, Final, NamedTuple

from app.cli.api import Api, Deadline, after
from app.cli.catalogue import CATALOGUE, CURRENCY, ON_HAND, Product
from app.cli.command import CONNECTION, DONE, HttpCommand
from app.cli.stock import show_stock
from app.main import app

_AT_ONCE: Final = 8
_INSIST_S: Final = 40.0


class Seeded(NamedTuple):
    """The stock of a product, and whether it was there before."""

    stock: dict[str, Any]
    was_there: bool


@app.command(*CONNECTION, base=HttpCommand)
async def seed(self: HttpCommand) -> int:
    """Put a demo catalogue of 50 products in.

    Product 789 is among them. Products that are there already are left alone: doing it again changes nothing, however
    much was sold meanwhile.
    """
    give_up = after(_INSIST_S)
    with self.out.progress() as progress:
        bar = progress.add_task("Products", total=len(CATALOGUE))
        async with self.api(_AT_ONCE) as api, asyncio.TaskGroup() as group:
            free = asyncio.Semaphore(_AT_ONCE)

            async def put(product: Product) -> Seeded:
                async with free:
                    seeded = await put_in(api, product, give_up)
                progress.advance(bar)
                return seeded

            tasks = [group.create_task(put(product)) for product in CATALOGUE]
    found = [task.result() for task in tasks]
    show_stock(self.out, "Demo catalogue", [it.stock for it in found])
    were_there = sum(it.was_there for it in found)
    if were_there:
        self.out.warn(f"{were_there} of {len(found)} products were there already, and were left alone.")
    return DONE


async def put_in(api: Api, product: Product, give_up: Deadline) -> Seeded:
    """Have this product in stock, unless it is there already. Raises `Failure`.

    The key is always the same: of two who put the product in at the same moment, one sets on-hand, and the other has
    the first one's answer. It does not keep a later one from it, since answers are forgotten.
    """
    there = await api.insist("GET", f"/v1/inventory/{product.product_id}", give_up)
    if there.status != HTTPStatus.NOT_FOUND:
        return Seeded(there.expect(), True)
    body = {
        "productId": product.product_id,
        "quantity": ON_HAND,
        "mode": "set",
        "price": product.price_minor,
        "currency": CURRENCY,
        "name": product.name,
    }
    headers = {"Idempotency-Key": f"seed-{product.product_id}"}
    reply = await api.insist("PUT", "/v1/inventory/update", give_up, body, headers)
    return Seeded(reply.expect(), False)
