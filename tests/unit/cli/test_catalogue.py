"""The demo catalogue, and how it gets into the warehouse."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from app.cli.api import Api, after
from app.cli.catalogue import CATALOGUE
from app.cli.seed import put_in
from tests.unit.cli.stub_worker import stub_worker, told


def test_fifty_products_with_ids_of_their_own_and_the_sample_orders_among_them() -> None:
    ids = [product.product_id for product in CATALOGUE]
    assert len(ids) == len(set(ids)) == 50
    assert "789" in ids
    assert len({product.name for product in CATALOGUE}) == 50
    assert all(product.price_minor > 0 for product in CATALOGUE)


async def test_a_product_is_put_in_under_the_same_key_each_time() -> None:
    seen: list[tuple[str | None, Any]] = []

    async def answer(request: web.Request, body: Any) -> web.Response:
        seen.append((request.headers.get("Idempotency-Key"), body))
        return told({"productId": body["productId"]})

    product = CATALOGUE[-1]
    async with stub_worker(answer) as url, Api([url], "k") as api:
        for _ in range(2):
            assert await put_in(api, product, after(5)) == {"productId": "789"}
    assert seen[0] == seen[1]
    assert (seen[0][0], seen[0][1]["mode"]) == ("seed-789", "set")
