"""Rows as requests need them: up to date on their owner."""

from __future__ import annotations

from faust import Record

from app.delivery import Delivered, Headers, Row, RowTable, Send
from app.main import app, settings
from schemas.codec import encode
from views.held import refuse_if_held, refuse_if_parked
from views.position import Position, must_exist


async def current_row(
    topic: str, table: RowTable, partition: int, key: str, timeout_s: float = settings.request_timeout_s
) -> Row | None:
    """The row of `key` on its owner; before saying that there is none, all that was sent so far is decided.

    Raises `Moved`, `TimeoutError`.
    """
    row = table.rows_of(partition).get(key)
    if row is None:
        await app.participants[topic].caught_up(partition, timeout_s)
        row = table.rows_of(partition).get(key)
    return row


async def come_to(position: Position, timeout_s: float) -> None:
    """Wait until the owner has decided all up to `position`.

    Raises `Problem` (422) when there is no such position, `KafkaException`, `Moved`, `TimeoutError`.
    """
    topic, partition, offset = position
    applied = app.lanes[topic].ranges.applied(partition)
    if applied is not None and applied <= offset:
        await must_exist(position)
    await app.participants[topic].applied(partition, offset, timeout_s)


async def tell(topic: str, key: str, message: Record, headers: Headers = ()) -> Delivered:
    """Send a message to the participant of `topic` on this worker, and wait until it is decided and safe.

    Raises `Unavailable`, `Moved`, `TimeoutError`; with the last two the message is in the log and will be decided.
    Raises `Problem` (503) when the key is held up, or the message fails.
    """
    refuse_if_held(topic, key)
    delivered = await app.front.send(Send(topic, key.encode(), encode(message), headers))
    await app.participants[topic].applied(delivered.partition, delivered.offset, settings.request_timeout_s)
    refuse_if_parked(topic, key, delivered)
    return delivered
