"""Inventory: one product's stock, shown and changed."""

from __future__ import annotations

import hashlib
import uuid
from typing import Final

import msgspec
from aiohttp import web

from app import topics
from app.main import app
from app.wiring import read_model
from schemas.answers import stock_answer
from schemas.commands import AdjustStock, SetStock
from schemas.http import StockAnswer, StockListAnswer, StockUpdateRequest
from schemas.rows import AdjustmentRow, StockRow, adjustment_key, stock_key
from schemas.values import Identifier, StockMode
from tables import inventory
from views.bodies import answer, checked_id, read_body
from views.idempotency import fingerprint_of, key_of, once
from views.lists import list_headers
from views.owner import on_owner
from views.page import Page
from views.position import of_stock
from views.problems import conflict, invalid, unavailable
from views.projection import find_stock, stored
from views.query import cursor_of, limit_of, only, to_cursor
from views.reads import Source, read_one
from views.rows import tell
from views.trace import trace_of

STOCK: Final = Source("product", topics.INVENTORY, inventory, find_stock, StockAnswer)


class AfterProduct(msgspec.Struct, array_like=True):
    """The place in the catalogue behind this product."""

    product_id: Identifier


@app.page("/v1/inventory", name="catalogue")
class Catalogue(Page):
    """All products."""

    async def get(self, request: web.Request) -> web.StreamResponse:
        """List products by id, from MongoDB."""
        only(request, "limit", "cursor")
        limit, after = limit_of(request), cursor_of(request, AfterProduct)
        headers = await list_headers(request, topics.INVENTORY)
        documents = await stored(read_model().catalogue(after.product_id if after else None, limit + 1))
        items = tuple(msgspec.convert(document, StockAnswer) for document in documents[:limit])
        cursor = to_cursor(AfterProduct(items[-1].product_id)) if len(documents) > limit else None
        return answer(StockListAnswer(items, cursor), headers=headers)


@app.page("/v1/inventory/update", name="inventory-update")
class InventoryUpdate(Page):
    """Changes of stock."""

    async def put(self, request: web.Request) -> web.StreamResponse:
        """Set what lies in the warehouse, or add to it."""
        body = await read_body(request, StockUpdateRequest)
        message = stock_message(body, _change_of(key_of(request), body))

        async def here(partition: int) -> web.Response:
            told = await tell(topics.INVENTORY, body.product_id, message, trace_of(request))
            rows = inventory.rows_of(partition)
            change: AdjustmentRow | None = rows.get(adjustment_key(body.product_id, message.idempotency_key))
            row: StockRow | None = rows.get(stock_key(body.product_id))
            if change is not None and not change.adjustment.ok:
                raise conflict(_too_few(row))
            if change is None or row is None:
                raise unavailable("The product has just moved to another worker.")
            return answer(stock_answer(row), headers=of_stock(row, partition, told).headers)

        return await once(request, body, lambda: on_owner(request, topics.INVENTORY, body.product_id, here))


@app.page("/v1/inventory/{product_id}", name="product")
class Product(Page):
    """One product."""

    async def get(self, request: web.Request, product_id: str) -> web.StreamResponse:
        """Show its stock and its price."""
        product_id = checked_id(product_id, "product")
        return await read_one(request, STOCK, stock_key(product_id), _shown)


async def _shown(row: StockRow, partition: int) -> web.Response:
    return answer(stock_answer(row), headers=of_stock(row, partition).headers)


def _change_of(key: str | None, body: StockUpdateRequest) -> str:
    """What the change is remembered by. With a key a repetition is the same change, also when its answer is forgotten;
    another body, under a key that is used again after that, is another one.
    """
    return uuid.uuid4().hex if key is None else hashlib.sha256(f"{key} {fingerprint_of(body)}".encode()).hexdigest()


def stock_message(body: StockUpdateRequest, key: str) -> SetStock | AdjustStock:
    """The message that changes the stock. Raises `Problem` (422)."""
    if body.mode is StockMode.SET and body.quantity < 0:
        raise invalid("On-hand can't be set below 0; to take away, say mode adjust.", "/quantity")
    kind = SetStock if body.mode is StockMode.SET else AdjustStock
    return kind(
        product_id=body.product_id,
        idempotency_key=key,
        price_minor=None if body.price is msgspec.UNSET else body.price,
        currency=body.currency or None,
        name=body.name or None,
        quantity=body.quantity,
    )


def _too_few(row: StockRow | None) -> str:
    if row is None:
        return "The product is not known, so nothing can be taken from it."
    has, held = row.stock.on_hand, row.stock.reserved
    return f"On-hand would fall below what live orders hold: on-hand is {has}, and {held} of it are held."
