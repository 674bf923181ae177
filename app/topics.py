"""Every topic on one screen.

| topic            | key        | records                         | kept           |
| ---------------- | ---------- | ------------------------------- | -------------- |
| orders           | order id   | what an order is told           | 7 days         |
| inventory        | product id | what a product is asked         | 7 days         |
| payments         | order id   | what a payment is asked         | 7 days         |
| shipping         | order id   | what a shipment is asked        | 7 days         |
| answers          | its key    | what requests were answered     | 1 day          |
| orders.events    | order id   | public facts about orders       | for ever       |
| inventory.events | product id | public facts about stock        | the last a key |
| dead-letters     | as it was  | `DeadLetter`, `DeadLetterHandled` | 30 days      |

All have the same number of partitions, so that one worker owns an order's row, its payment and its shipment. Records
carry the broker's time, the only clock that decisions see. Keys and values are raw bytes to Faust: they are decoded
where a bad one can be parked, by the decoders at the end.
"""

from __future__ import annotations

from typing import Final

from faust.types import TopicT

from app.delivery import (
    LARGEST_RECORD_BYTES,
    ConsumerRecord,
    Headers,
    NewTopicSpec,
    Parked,
    Send,
    trace_id_of,
    traceparent_in,
)
from app.main import app, settings
from schemas import commands, facts, idempotency, replies
from schemas.codec import Decoder, encode
from schemas.dead_letters import DeadLetter, DeadLetterHandled, Kind, base64_of

_DAY_MS: Final = 24 * 3600 * 1000


def _topic(name: str, **config: str) -> TopicT:
    full = settings.topic(name)
    ours = {"message.timestamp.type": "LogAppendTime"}
    kept = {key.replace("_", "."): value for key, value in config.items()}
    app.needs(NewTopicSpec(full, settings.partitions, settings.replication, ours | kept))
    return app.topic(full, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw")


orders = _topic("orders", retention_ms=str(7 * _DAY_MS))
inventory = _topic("inventory", retention_ms=str(7 * _DAY_MS))
payments = _topic("payments", retention_ms=str(7 * _DAY_MS))
shipping = _topic("shipping", retention_ms=str(7 * _DAY_MS))
answers = _topic("answers", retention_ms=str(_DAY_MS))
order_events = _topic("orders.events", retention_ms="-1")
inventory_events = _topic("inventory.events", cleanup_policy="compact")
# A letter holds its message in base64, and must have room for the largest there may be.
dead_letters = _topic("dead-letters", retention_ms=str(30 * _DAY_MS), max_message_bytes=str(LARGEST_RECORD_BYTES))

ORDERS: Final = orders.get_topic_name()
INVENTORY: Final = inventory.get_topic_name()
PAYMENTS: Final = payments.get_topic_name()
SHIPPING: Final = shipping.get_topic_name()
ANSWERS: Final = answers.get_topic_name()
ORDER_EVENTS: Final = order_events.get_topic_name()
INVENTORY_EVENTS: Final = inventory_events.get_topic_name()
DEAD_LETTERS: Final = dead_letters.get_topic_name()

read_order_message = Decoder(
    (
        commands.PlaceOrder,
        commands.PayOrder,
        commands.ShipOrder,
        commands.CancelOrder,
        commands.ReachDeadline,
        *replies.STOCK_REPLIES.values(),
        *replies.PAYMENT_REPLIES.values(),
        *replies.SHIPMENT_REPLIES.values(),
        replies.CallStalled,
    )
)
read_stock_command = Decoder(
    (
        commands.ReserveStock,
        commands.ReleaseStock,
        commands.CommitStock,
        commands.ForgetReservation,
        commands.SetStock,
        commands.AdjustStock,
    )
)
read_payment_command = Decoder(
    (commands.AuthorizePayment, commands.CapturePayment, commands.ReversePayment, commands.ForgetPayment)
)
read_shipment_command = Decoder((commands.BookShipment, commands.CallOffShipment, commands.ForgetShipment))
read_answer_message = Decoder((idempotency.ClaimKey, idempotency.KeepAnswer, idempotency.ForgetAnswer))
read_order_fact = Decoder(tuple(facts.ORDER_FACTS.values()))
read_stock_fact = Decoder((facts.StockChanged,))
read_dead_letter: Decoder[DeadLetter | DeadLetterHandled] = Decoder((DeadLetter, DeadLetterHandled))


_LARGEST_LETTER: Final = LARGEST_RECORD_BYTES - 10_000
"""With room for what surrounds a record."""
_KEY_KEPT_BYTES: Final = 1_000
_HEADER_BYTES: Final = 10
"""What the lengths of a header's name and value take at most."""


def park(record: ConsumerRecord, parked: Parked) -> Send:
    """The dead letter of a message that was refused, failed, or waits behind one that did.

    One that would be larger than its topic takes, since its message was compressed or has very many headers, is without
    value and headers, and has only the beginning of a long key: no message may stop its partition.
    """
    whole = _letter(record, parked, record.key, record.value, record.headers)
    headers_bytes = sum(len(name.encode()) + len(value) + _HEADER_BYTES for name, value in whole.headers)
    if len(whole.key) + len(whole.value) + headers_bytes <= _LARGEST_LETTER:
        return whole
    where = f"too large to be kept, it stands at {record.topic}-{record.partition}-{record.offset}"
    key = (record.key or b"")[:_KEY_KEPT_BYTES]
    return _letter(record, parked._replace(reason=f"{parked.reason} ({where})"), key, None, ())


def _letter(record: ConsumerRecord, parked: Parked, key: bytes | None, value: bytes | None, headers: Headers) -> Send:
    letter = DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=parked.offset,
        key=base64_of(key),
        value=base64_of(value),
        headers=tuple((name, base64_of(it) or "") for name, it in headers),
        error=parked.reason,
        attempt=parked.attempts,
        kind=Kind(parked.kind.value),
        replays=parked.replays,
        trace_id=trace_id_of(traceparent_in(record.headers)) or None,
    )
    return Send(DEAD_LETTERS, key or b"", encode(letter), tuple(headers))
