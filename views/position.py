"""`x-position`: a place in the log that an answer stands for, and that a later `GET` may ask to be in.

`orders-3-1742` is the record at offset 1742 of partition 3 of the topic `orders`. An answer to a `POST` or `PUT` has
that of the request's own record, or of a later one; an answer to a `GET` that of the change it shows last. So a client
that sends back the last one it was given reads its own writes, and never an older version, whoever answers.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from aiohttp import web
from confluent_kafka import KafkaException

from app import topics
from app.delivery import Delivered
from app.main import app
from schemas.rows import OrderRow, StockRow
from views.problems import Problem, invalid

POSITION: Final = "x-position"
MOST_POSITIONS: Final = 64
"""In one request: one for each partition is of use."""

KAFKA_ASKED_S: Final = 2.0
KAFKA_AWAY: Final = (KafkaException, TimeoutError)

_TOPICS: Final = {"orders": topics.ORDERS, "inventory": topics.INVENTORY}
_NAMES: Final = {topic: name for name, topic in _TOPICS.items()}
_FORM: Final = re.compile(r"([a-z]{1,20})-(\d{1,9})-(\d{1,18})", re.ASCII)


class Position(NamedTuple):
    """The record at `offset` of a partition, and all before it."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{_NAMES[self.topic]}-{self.partition}-{self.offset}"

    @property
    def headers(self) -> Mapping[str, str]:
        """The header that tells it."""
        return {POSITION: str(self)}


def positions_of(request: web.Request, topic: str) -> list[Position]:
    """The positions in `topic` that the request asks for. Raises `Problem`: 400 for what is none, 422 for another's."""
    texts = [it.strip() for given in request.headers.getall(POSITION, []) for it in given.split(",")]
    if len(texts) > MOST_POSITIONS:
        raise Problem(400, f"The header {POSITION} has more than {MOST_POSITIONS} positions.")
    return [_position(text, topic) for text in texts]


def _position(text: str, topic: str) -> Position:
    read = _FORM.fullmatch(text)
    if read is None:
        raise Problem(400, f"The header {POSITION} must be as it was given, like {_NAMES[topic]}-3-1742.")
    name, partition, offset = read[1], int(read[2]), int(read[3])
    if _TOPICS.get(name) != topic or partition >= app.partitions_of(topic):
        raise invalid(f"The position {text} is none of {_NAMES[topic]}, which is what this reads.")
    return Position(topic, partition, offset)


def position_in(request: web.Request, topic: str, partition: int) -> Position | None:
    """The latest position in this partition that the request asks for. Raises `Problem`: 400, 422."""
    asked = positions_of(request, topic)
    for position in asked:
        if position.partition != partition:
            raise invalid(f"The position {position} is of another order or product: this one is in {partition}.")
    return max(asked, default=None)


async def must_exist(position: Position) -> None:
    """Raises `Problem` (422) for a position that no answer can have given; while Kafka is away, one of `KAFKA_AWAY`."""
    async with asyncio.timeout(KAFKA_ASKED_S):
        end = await app.ends.end(position.topic, position.partition)
    if position.offset >= end:
        raise invalid(f"The position {position} is beyond the end of the log.")


def of_order(row: OrderRow, partition: int, told: Delivered | None = None) -> Position:
    """What an answer about this order stands for: its last change in public, or the message just `told`, if later."""
    changed = row.order.history[-1].offset
    return Position(topics.ORDERS, partition, max(changed, told.offset if told else changed))


def of_stock(row: StockRow, partition: int, told: Delivered | None = None) -> Position:
    """As `of_order`, for a product."""
    changed = row.stock.applied
    return Position(topics.INVENTORY, partition, max(changed, told.offset if told else changed))


def of_document(topic: str, partition: int, document: Mapping[str, object]) -> Mapping[str, str]:
    """The header of an answer from the read model; none for what was projected before positions were kept."""
    applied = document.get("applied")
    return Position(topic, partition, applied).headers if isinstance(applied, int) else {}
