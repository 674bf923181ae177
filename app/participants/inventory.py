"""Inventory: what one message does to its product, by `app.domain.stock`.

Its three kinds of rows lie in the product's partition. The key says which kind a row is; identifiers hold no `/`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from app import topics
from app.delivery import ConsumerRecord, Effects, Refused, Rows, Send
from app.domain import retention, stock
from app.domain.order import Reason
from app.domain.stock import NEVER, LineDecision, Reservation, Stock
from app.main import settings
from app.participants.reading import read
from schemas.codec import encode, remade
from schemas.commands import (
    AdjustStock,
    CommitStock,
    ForgetReservation,
    ReleaseStock,
    ReserveStock,
    SetStock,
    StockCommand,
    SupplyCommand,
)
from schemas.facts import StockChanged
from schemas.replies import STOCK_REPLIES
from schemas.rows import AdjustmentRow, ReservationRow, StockRow, adjustment_key, reservation_key, stock_key


def decide(rows: Rows, record: ConsumerRecord) -> Effects:
    """What one message does to its product. Raises `Refused`."""
    command = read(topics.read_stock_command, record, "product_id")
    row: StockRow | None = rows.get(stock_key(command.product_id))
    if isinstance(command, SupplyCommand):
        return _supply(rows, row, command, record)
    if isinstance(command, ForgetReservation):
        return _order_is_over(rows, command, record)
    return _settle_line(rows, row, command, record)


Settle = Callable[[StockCommand, Stock | None, Reservation | None, int], LineDecision]

_DECISIONS: Final[dict[type[StockCommand], Settle]] = {
    ReserveStock: lambda command, counters, held, offset: stock.reserve(counters, held, command.quantity, offset),
    ReleaseStock: lambda _, counters, held, offset: stock.release(counters, held, offset),
    CommitStock: lambda _, counters, held, offset: stock.commit(counters, held, offset),
}


def _settle_line(rows: Rows, row: StockRow | None, command: StockCommand, record: ConsumerRecord) -> Effects:
    key = reservation_key(command.product_id, command.order_id)
    held: ReservationRow | None = rows.get(key)
    counters, reservation = row.stock if row else None, held.reservation if held else None
    decision = _DECISIONS[type(command)](command, counters, reservation, record.offset)
    if decision.status is None:
        raise Refused("nothing is held for this order")
    price, currency = _price(row, held)
    written: list[tuple[str, Any]] = []
    if decision.reservation is not None:
        kept = ReservationRow(
            command.order_id, command.product_id, price, currency, decision.reservation, record.timestamp
        )
        written.append((key, kept))
    reply = STOCK_REPLIES[decision.status](
        command.order_id,
        command.product_id,
        unit_price_minor=price,
        currency=currency,
        shortage=Reason(decision.shortage.value) if decision.shortage else None,
    )
    sends = [Send(topics.ORDERS, command.order_id.encode(), encode(reply))]
    return _with_counters(row, decision.stock, record, written, sends)


def _order_is_over(rows: Rows, command: ForgetReservation, record: ConsumerRecord) -> Effects:
    """Notes it in what the order held; its row leaves by itself. A line that was rejected has none."""
    key = reservation_key(command.product_id, command.order_id)
    held: ReservationRow | None = rows.get(key)
    if held is None or held.finished_at != NEVER or not retention.reservation_is_over(held.reservation):
        return Effects()
    noted = remade(ReservationRow, held, changed_at_ms=record.timestamp, finished_at=record.offset)
    return Effects(((key, noted),))


def _price(row: StockRow | None, held: ReservationRow | None) -> tuple[int, str]:
    """What one piece costs this order: what it was promised, or else the product's price now."""
    if held is not None:
        return held.unit_price_minor, held.currency
    return (row.price_minor, row.currency) if row else (0, "")


def _supply(rows: Rows, row: StockRow | None, command: SupplyCommand, record: ConsumerRecord) -> Effects:
    key = adjustment_key(command.product_id, command.idempotency_key)
    before: AdjustmentRow | None = rows.get(key)
    assert isinstance(command, SetStock | AdjustStock), "no other kind of supply is read from this topic"
    change = stock.set_on_hand if isinstance(command, SetStock) else stock.adjust
    done = before.adjustment if before else None
    decision = change(row.stock if row else None, done, command.quantity, record.offset)
    written: list[tuple[str, Any]] = []
    if decision.adjustment is not None:
        done_now = AdjustmentRow(command.product_id, command.idempotency_key, decision.adjustment, record.timestamp)
        written.append((key, done_now))
    shown = _described(row, command) if decision.stock is not None else row
    return _with_counters(shown, decision.stock, record, written, [])


def _described(row: StockRow | None, command: SupplyCommand) -> StockRow:
    """The product with the name and the price that the command gives it."""
    return StockRow(
        product_id=command.product_id,
        name=command.name or (row.name if row else command.product_id),
        price_minor=command.price_minor
        if command.price_minor is not None
        else (row.price_minor if row else settings.default_price_minor),
        currency=command.currency or (row.currency if row else settings.default_currency),
        stock=row.stock if row else Stock(),
        version=row.version if row else 0,
        updated_at_ms=row.updated_at_ms if row else 0,
    )


def _with_counters(
    row: StockRow | None,
    counters: Stock | None,
    record: ConsumerRecord,
    written: list[tuple[str, Any]],
    sends: list[Send],
) -> Effects:
    """The counters come last, so that a crash between the rows leaves them to be finished.

    The message that they have applied last, when it comes again, has them told again: a crash may have kept the
    counters without their fact, and perhaps no other message will change them.
    """
    if row is None:
        return Effects(written, sends)
    if counters is not None:
        row = remade(StockRow, row, stock=counters, version=row.version + 1, updated_at_ms=record.timestamp)
        written.append((stock_key(row.product_id), row))
    if row.stock.applied == record.offset:
        sends.append(Send(topics.INVENTORY_EVENTS, row.product_id.encode(), encode(remade(StockChanged, row))))
    return Effects(written, sends)
