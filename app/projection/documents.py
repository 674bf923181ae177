"""Facts to documents: what MongoDB keeps of an order and of a product. Of each key only the newest fact of a slice."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from app import topics
from app.adapters.read_model import ORDERS, STOCK
from schemas.answers import order_answer, order_events_answer, payment_of_order, shipment_of_order, stock_answer
from schemas.codec import Undecodable
from schemas.facts import OrderFact, StockChanged
from schemas.http import Answer

log: Final = logging.getLogger(__name__)

Document: TypeAlias = dict[str, Any]


class FactRecord(Protocol):
    """A fact as it was read, by a worker or straight from the log."""

    @property
    def topic(self) -> str: ...  # noqa: D102 - says what it says

    @property
    def partition(self) -> int: ...  # noqa: D102

    @property
    def offset(self) -> int: ...  # noqa: D102

    @property
    def key(self) -> bytes | None: ...  # noqa: D102

    @property
    def value(self) -> bytes | None: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Part:
    """One collection of the read model: the topic of its facts, and what one of them becomes.

    `keeps_all` tells a topic that keeps every fact from one that keeps the last of each key. `document` may raise
    `Undecodable`, and so may `version`, which reads no more of the bytes than it must.
    """

    collection: str
    topic: str
    keeps_all: bool
    document: Callable[[FactRecord], Document]
    version: Callable[[bytes], int]


def documents(part: Part, records: Iterable[FactRecord]) -> Iterator[Document]:
    """The documents of these facts, one a key, each of its newest: the older ones have nothing to add.

    That mostly is the last one; but what a worker that stood still had in its buffers may come late. What is no fact is
    left out, and logged. Each is made when it is asked for, since those of a large slice take a while.
    """
    of_key: dict[bytes | None, list[FactRecord]] = {}
    for record in records:
        of_key.setdefault(record.key, []).append(record)
    made = (_newest(part, candidates) for candidates in of_key.values())
    return (document for document in made if document is not None)


def _newest(part: Part, candidates: list[FactRecord]) -> Document | None:
    if len(candidates) > 1:
        candidates.sort(key=lambda record: (_version(part, record), record.offset), reverse=True)
    for record in candidates:
        try:
            return part.document(record)
        except Undecodable as error:
            # Only we write facts: what is none of ours concerns no order.
            place = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
            log.warning("a record is no fact: %s", error, extra=place)
    return None


def _version(part: Part, record: FactRecord) -> int:
    try:
        return part.version(record.value or b"")
    except Undecodable:
        return -1


class _Change(msgspec.Struct):
    version: int


class _Order(msgspec.Struct):
    history: tuple[_Change, ...]


class _OrderHead(msgspec.Struct):
    order: _Order


_order_head: Final = msgspec.json.Decoder(_OrderHead)
_stock_head: Final = msgspec.json.Decoder(_Change)


def _order_version(value: bytes) -> int:
    try:
        return max((it.version for it in _order_head.decode(value).order.history), default=0)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error


def _stock_version(value: bytes) -> int:
    try:
        return _stock_head.decode(value).version
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Undecodable(str(error)) from error


def order_document(record: FactRecord) -> Document:
    """The order as MongoDB keeps it: its answer, with its payment, its shipment and its history."""
    fact: OrderFact = topics.read_order_fact(record.value)
    events = order_events_answer(fact, topics.ORDERS, record.partition)
    answer, *parts = _plain((order_answer(fact), payment_of_order(fact), shipment_of_order(fact), events))
    return {
        **answer,
        "_id": fact.order_id,
        "fingerprint": fact.order.fingerprint,  # tells whether a late double is the same order
        "applied": fact.order.applied,  # tells whether a reader's position is in
        **dict(zip(("payment", "shipment", "events"), parts, strict=True)),
    }


def stock_document(record: FactRecord) -> Document:
    """The product as MongoDB keeps it."""
    fact: StockChanged = topics.read_stock_fact(record.value)
    [answer] = _plain((stock_answer(fact),))
    return {**answer, "_id": fact.product_id, "applied": fact.stock.applied}


def _plain(answers: tuple[Answer, ...]) -> Sequence[Document]:
    """As BSON takes them; all at once, which takes half as long."""
    built: Sequence[Document] = msgspec.to_builtins(answers, builtin_types=(datetime,))
    return built


ORDER_PART: Final = Part(ORDERS, topics.ORDER_EVENTS, True, order_document, _order_version)
STOCK_PART: Final = Part(STOCK, topics.INVENTORY_EVENTS, False, stock_document, _stock_version)
PARTS: Final = (ORDER_PART, STOCK_PART)
