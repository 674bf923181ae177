"""A shop as its customers and its bookkeeper see it: over HTTP, and in the ledger of the payment gateway."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import aiohttp
from pymongo import MongoClient

AT_REST = frozenset({"SHIPPED", "REJECTED", "CANCELLED", "NEEDS_ATTENTION"})
RETRIES = 240


class Shop:
    """Speaks to any of the workers at `urls`, in turn. Use as an async context manager."""

    def __init__(self, urls: Sequence[str], mongo_url: str, database: str) -> None:
        self.urls = list(urls)
        self._turn = 0
        self._mongo: MongoClient[dict[str, Any]] = MongoClient(mongo_url)
        self.database = self._mongo[database]
        self._busy = asyncio.Semaphore(64)
        self.supplied: Counter[str] = Counter()
        self.unavailable = 0

    async def __aenter__(self) -> "Shop":
        timeout = aiohttp.ClientTimeout(total=40)
        self._session = aiohttp.ClientSession(headers={"x-api-key": "demo"}, timeout=timeout)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        self._mongo.close()

    async def once(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """One request to the next worker: status and body."""
        self._turn += 1
        url = self.urls[self._turn % len(self.urls)]
        async with self._busy, self._session.request(method, url + path, **request) as answer:
            body = await answer.json(content_type=None)
            if answer.status == 503:
                assert "Retry-After" in answer.headers
            return answer.status, body

    async def call(self, method: str, path: str, **request: Any) -> tuple[int, Any]:
        """As `once`, again while the answer is 503 or the worker is away, as a patient client does."""
        for _ in range(RETRIES):
            try:
                status, body = await self.once(method, path, **request)
            except aiohttp.ClientError:
                status, body = 503, None
            if status != 503:
                return status, body
            self.unavailable += 1
            await asyncio.sleep(0.25)
        raise AssertionError(f"{method} {path} was unavailable for a minute")

    async def supply(self, product_id: str, quantity: int, **details: Any) -> None:
        """Put this many pieces into the warehouse."""
        body = {"productId": product_id, "quantity": quantity, "price": 100, "currency": "EUR", **details}
        status, answer = await self.call("PUT", "/v1/inventory/update", json=body)
        assert (status, answer["onHand"]) == (200, quantity)
        self.supplied[product_id] = quantity

    async def place(self, order_id: str, lines: dict[str, int], **details: Any) -> int:
        """Place an order; returns the status."""
        items = [{"productId": product, "quantity": quantity} for product, quantity in lines.items()]
        body = {"orderId": order_id, "userId": "u-1", "items": items, **details}
        status, answer = await self.call("POST", "/v1/orders", json=body)
        assert status in (200, 201, 409), answer
        return status

    async def at_rest(self, order_id: str, timeout_s: float = 60.0) -> dict[str, Any]:
        """The order, once nothing more will happen to it."""
        async with asyncio.timeout(timeout_s):
            while True:
                status, order = await self.call("GET", f"/v1/orders/{order_id}", headers={"Prefer": "wait=10"})
                assert status == 200, order
                if order["status"] in AT_REST:
                    return dict(order)

    async def all_at_rest(self, order_ids: Iterable[str], timeout_s: float = 90.0) -> list[dict[str, Any]]:
        """These orders, once nothing more will happen to any of them."""
        return await asyncio.gather(*(self.at_rest(order_id, timeout_s) for order_id in order_ids))

    async def stock(self, product_id: str) -> dict[str, Any]:
        """The product's stock, as its owner has it."""
        status, stock = await self.call("GET", f"/v1/inventory/{product_id}")
        assert status == 200, stock
        return dict(stock)

    async def settled_stock(self, product_id: str, timeout_s: float = 30.0) -> dict[str, Any]:
        """The product's stock, once nothing of it is reserved: an order is told of before its lines are committed."""
        async with asyncio.timeout(timeout_s):
            while True:
                stock = await self.stock(product_id)
                if stock["reserved"] == 0:
                    return stock
                await asyncio.sleep(0.05)

    def money(self) -> Counter[str]:
        """What the gateway has really done, per operation that went well, in minor units."""
        sums: Counter[str] = Counter()
        for entry in self.database["gateway_ledger"].find({"ok": True}):
            sums[entry["operation"]] += entry["amount_minor"]
        return sums

    async def assert_sums_hold(self, orders: Sequence[dict[str, Any]]) -> None:
        """Every piece and every cent is accounted for by these orders, which are all there were."""
        shipped = [order for order in orders if order["status"] == "SHIPPED"]
        gone: Counter[str] = Counter()
        for order in shipped:
            for item in order["items"]:
                gone[item["productId"]] += item["quantity"]
        for product_id, supplied in self.supplied.items():
            stock = await self.settled_stock(product_id)
            assert stock["onHand"] + gone[product_id] == supplied, product_id
        money = self.money()
        owed = sum(order["total"] for order in shipped)
        assert money["capture"] - money["refund"] == owed
        assert money["authorize"] == money["capture"] + money["void"]
