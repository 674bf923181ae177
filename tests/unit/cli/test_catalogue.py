"""The demo catalogue, and how it gets into the warehouse."""

from __future__ import annotations

import asyncio
import json
import subprocess
from typing import Any

import pytest
from aiohttp import web

from app.cli.api import Api, Failure, after
from app.cli.catalogue import CATALOGUE, ON_HAND
from app.cli.seed import put_in
from app.embedded.workers import faust_command
from tests.unit.cli.stub_worker import stub_worker, told


def test_fifty_products_with_ids_of_their_own_and_the_sample_orders_among_them() -> None:
    ids = [product.product_id for product in CATALOGUE]
    assert len(ids) == len(set(ids)) == 50
    assert "789" in ids
    assert len({product.name for product in CATALOGUE}) == 50
    assert all(product.price_minor > 0 for product in CATALOGUE)


class Warehouse:
    """Has products once they are put in; what is sold of them, it keeps in mind, and answers to keys it does not."""

    def __init__(self) -> None:
        self.on_hand: dict[str, int] = {}
        self.puts: list[tuple[str | None, Any]] = []
        self.busy = 1

    async def answer(self, request: web.Request, body: Any) -> web.Response:
        if self.busy:
            self.busy -= 1
            return told({}, 503, Retry_After="0")
        if request.method == "PUT":
            self.puts.append((request.headers.get("Idempotency-Key"), body))
            self.on_hand[body["productId"]] = body["quantity"]
        product_id = body["productId"] if body else request.path.rpartition("/")[2]
        if product_id not in self.on_hand:
            return told({"detail": "There is no such product."}, 404)
        return told({"productId": product_id, "onHand": self.on_hand[product_id]})


async def test_a_product_is_put_in_once_and_then_left_alone_however_much_was_sold() -> None:
    warehouse, product = Warehouse(), CATALOGUE[-1]
    async with stub_worker(warehouse.answer) as url, Api([url], "k") as api:
        first = await put_in(api, product, after(5))
        assert first == ({"productId": "789", "onHand": ON_HAND}, False)
        warehouse.on_hand["789"] -= 400
        again = await put_in(api, product, after(5))
        assert again == ({"productId": "789", "onHand": ON_HAND - 400}, True)
    [(key, body)] = warehouse.puts
    assert (key, body["mode"], body["quantity"]) == ("seed-789", "set", ON_HAND)


async def test_a_worker_that_does_not_say_whether_there_is_a_product_is_not_told_to_have_it() -> None:
    async def answer(request: web.Request, _body: Any) -> web.Response:
        assert request.method == "GET"
        return told({"detail": "The key is not known."}, 401)

    async with stub_worker(answer) as url, Api([url], "k") as api:
        with pytest.raises(Failure, match="401 The key is not known"):
            await put_in(api, CATALOGUE[0], after(5))


async def test_what_was_there_is_counted() -> None:
    warehouse = Warehouse()
    warehouse.on_hand |= {"740": 3, "789": 0}
    async with stub_worker(warehouse.answer) as url:
        seeded = await asyncio.to_thread(
            subprocess.run, faust_command("seed", "--url", url, "--json"), capture_output=True, text=True, check=False
        )
    stock = {it["productId"]: it["onHand"] for it in json.loads(seeded.stdout)}
    assert (seeded.returncode, stock["740"], stock["789"], stock["741"]) == (0, 3, 0, ON_HAND)
    assert seeded.stderr == "2 of 50 products were there already, and were left alone.\n"
    assert len(warehouse.puts) == 48
