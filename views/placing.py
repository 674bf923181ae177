"""`POST /v1/orders`: how an order is taken in so that it is neither lost nor taken twice."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Mapping
from functools import partial
from typing import Final
from weakref import WeakValueDictionary

import msgspec
from aiohttp import web
from msgspec import UNSET

from app import topics
from app.delivery import Delivered, Headers, Moved, Send, Unavailable
from app.domain import saga
from app.main import app, settings
from app.security.caller import Role
from app.wiring import STORE_AWAY, read_model
from schemas.answers import order_answer
from schemas.codec import encode
from schemas.commands import PlaceOrder
from schemas.http import OrderAnswer, OrderRequest
from schemas.rows import OrderRow
from tables import orders
from views.admission import FORWARDED, FORWARDED_TO_KEEPER, caller_of
from views.backlog import refuse_when_behind
from views.bodies import answer
from views.idempotency import key_of, once
from views.order_reads import rested
from views.owner import on_owner
from views.patience import Patience
from views.position import of_order
from views.preference import applied, wait_s
from views.problems import Problem, conflict, invalid, unavailable
from views.projection import Found, find_order, projected
from views.rows import tell
from views.silence import Silence
from views.trace import trace_of

MONGODB: Final = "mongodb"
LOOK_TIMEOUT_S: Final = 1.0

_FOR_ANYBODY: Final = frozenset({Role.SUPPORT})
"""With the role of a customer, this one places orders of others, too."""

_silence: Final = Silence()
_patience: Final = Patience(settings.owner_wait_s, settings.requests_in_flight // 2)
_one_at_a_time: Final[WeakValueDictionary[str, asyncio.Lock]] = WeakValueDictionary()
"""By order id: of several requests with one id the first is finished before the next is looked at."""


async def place_order(request: web.Request, order: OrderRequest) -> web.StreamResponse:
    """Take the order in. Raises `Problem`: 400, 409, 422, 503."""
    _check_user(request, order)
    _check_products(order)
    refuse_when_behind()
    order_id = order.order_id
    if order_id is UNSET:
        key = key_of(request)
        if key is None and not wait_s(request.headers):  # only its owner can tell when it rests
            return await _place_anywhere(place_message(order, uuid.uuid4().hex), trace_of(request))
        order_id = key or uuid.uuid4().hex  # repeated, it is the same order
        order = msgspec.structs.replace(order, order_id=order_id)
    place = partial(once, request, order, partial(_place_as, request, order, order_id))
    if FORWARDED in request.headers or FORWARDED_TO_KEEPER in request.headers:
        return await place()  # it is waited for where the client is
    return await _patience.answer(place)


def _check_user(request: web.Request, order: OrderRequest) -> None:
    if not caller_of(request).may_see(order.user_id, _FOR_ANYBODY):
        raise Problem(403, "A customer places orders with its own userId only.")


def _check_products(order: OrderRequest) -> None:
    seen: set[str] = set()
    for number, item in enumerate(order.items):
        if item.product_id in seen:
            raise invalid(
                f"The product {item.product_id} stands more than once: add its quantities up.",
                f"/items/{number}/productId",
            )
        seen.add(item.product_id)


def fingerprint(order: OrderRequest) -> str:
    """Stands for what the order is, whatever its id, and however it was written: SHA-256, in hex."""
    content = (
        order.user_id,
        sorted((item.product_id, item.quantity) for item in order.items),
        (order.payment.mode, order.payment.method or None),
        (order.shipping.mode, sorted((order.shipping.address or {}).items())),
        sorted((order.metadata or {}).items()),
    )
    return hashlib.sha256(msgspec.json.encode(content)).hexdigest()


def place_message(order: OrderRequest, order_id: str) -> PlaceOrder:
    """The message that takes this order in."""
    return PlaceOrder(
        order_id=order_id,
        user_id=order.user_id,
        items=tuple((item.product_id, item.quantity) for item in order.items),
        fingerprint=fingerprint(order),
        payment_mode=order.payment.mode,
        method=order.payment.method or None,
        shipping_mode=order.shipping.mode,
        address=order.shipping.address or None,
        metadata=order.metadata or None,
    )


async def _place_anywhere(message: PlaceOrder, trace: Headers) -> web.Response:
    """An id that was just made can't be taken: once the message is in the log, so is the order."""
    try:
        delivered = await app.front.send(Send(topics.ORDERS, message.order_id.encode(), encode(message), trace))
    except Unavailable as error:
        raise unavailable("Kafka does not take orders now.") from error
    row = _as_placed(message, delivered)
    return _created(row, of_order(row, delivered.partition).headers)


def _as_placed(message: PlaceOrder, delivered: Delivered) -> OrderRow:
    """The row that the order's participant makes of this message."""
    decision = saga.decide(None, message.signal(), delivered.offset, delivered.timestamp_ms)
    assert decision.order is not None, "a body that was checked makes an order"
    return OrderRow(
        order_id=message.order_id,
        user_id=message.user_id,
        order=decision.order,
        method=message.method,
        address=message.address,
        metadata=message.metadata,
    )


async def _place_as(request: web.Request, order: OrderRequest, order_id: str) -> web.StreamResponse:
    message = place_message(order, order_id)
    wait = wait_s(request.headers)

    async def here(partition: int) -> web.Response:
        is_new = False
        async with _one_at_a_time.setdefault(order_id, asyncio.Lock()):
            row: OrderRow | None = orders.rows_of(partition).get(order_id)
            if row is None:
                found = await _forgotten(order_id, partition)
                if found is not None:
                    return _as_finished(found, message)
                delivered = await tell(topics.ORDERS, order_id, message, trace_of(request))
                row = orders.rows_of(partition).get(order_id)
                if row is None:
                    raise Moved("its partition left between the decision and this line")
                is_new = row.order.history[0].offset == delivered.offset
        if row.order.fingerprint != message.fingerprint:
            raise _taken(order_id)
        row = await _rested_or_as_it_was(row, wait)
        headers = {**applied(wait), **of_order(row, partition).headers}
        return _created(row, headers) if is_new else answer(order_answer(row), 200, headers)

    return await on_owner(request, topics.ORDERS, order_id, here, body=msgspec.json.encode(order))


async def _forgotten(order_id: str, partition: int) -> Found | None:
    """The order of this id if it was finished so long ago that it has left the table.

    Orders are taken without MongoDB, too, and none waits long for it: that a forgotten one may come again then is the
    price.
    """
    if not _silence.may_ask(MONGODB):
        return None
    try:
        with _silence.asking(MONGODB):
            async with asyncio.timeout(LOOK_TIMEOUT_S):
                known = await read_model().order(order_id)
        return None if known is None else await find_order(order_id, partition)
    except (*STORE_AWAY, TimeoutError, Problem):
        return None


def _as_finished(found: Found, message: PlaceOrder) -> web.Response:
    if found.document.get("fingerprint") != message.fingerprint:
        raise _taken(message.order_id)
    return projected(found, OrderAnswer)


def _taken(order_id: str) -> Problem:
    return conflict(f"Another order has the id {order_id}.")


async def _rested_or_as_it_was(row: OrderRow, wait: int) -> OrderRow:
    """The order is safe whoever owns it now, so a partition that leaves only ends the waiting."""
    try:
        return await rested(row, wait)
    except Moved:
        return row


def _created(row: OrderRow, headers: Mapping[str, str]) -> web.Response:
    return answer(order_answer(row), 201, {"Location": f"/v1/orders/{row.order_id}", **headers})
