"""One product's stock: what lies in the warehouse, what live orders hold of it, and what was done for whom.

Three kinds of rows stand in the product's partition: the counters (`Stock`), a `Reservation` for each order, an
`Adjustment` for each change of stock that somebody asked for. In a slice each row is written once, reservations and
adjustments before the counters, so a crash can only keep *more* of the former. A message that comes again then
*finishes* its work: its offset is the one the reservation names for that phase, and it is above what the counters have
applied, so the counters still lack it. Two offsets, one a phase, because both phases may fall into one slice.
"""

from __future__ import annotations

from typing import Final

from app.domain.value import Value, Word, replace

NEVER: Final = -1
"""No offset: the phase has not happened."""


class LineStatus(Word):
    """What a product can say of one order's line; an order sees them in this order, and never takes one back."""

    ASKED = "ASKED"
    REJECTED = "REJECTED"
    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    COMMITTED = "COMMITTED"


class Shortage(Word):
    """Why a reservation was rejected."""

    OUT_OF_STOCK = "OUT_OF_STOCK"
    UNKNOWN_PRODUCT = "UNKNOWN_PRODUCT"


class Stock(Value, frozen=True):
    """The counters of a product. `applied` is the offset of the last message that changed them."""

    on_hand: int = 0
    reserved: int = 0
    applied: int = NEVER

    @property
    def available(self) -> int:
        """Pieces that nobody holds; never below 0."""
        return self.on_hand - self.reserved


class Reservation(Value, frozen=True):
    """What one order holds of the product, with the offsets of its two phases."""

    quantity: int
    status: LineStatus
    reserved_at: int = NEVER
    settled_at: int = NEVER


class Adjustment(Value, frozen=True):
    """A change of on-hand, remembered by its Idempotency-Key: the resolved delta, never the mode it was asked in."""

    delta: int
    ok: bool
    offset: int


class LineDecision(Value, frozen=True):
    """What becomes of the counters and the reservation (None: as they were), and what the order is told.

    `status` None means: refuse the message, it makes no sense here.
    """

    status: LineStatus | None
    stock: Stock | None = None
    reservation: Reservation | None = None
    shortage: Shortage | None = None


class AdjustDecision(Value, frozen=True):
    """What becomes of the counters and the adjustment (None: as they were), and whether the change stands."""

    ok: bool
    stock: Stock | None = None
    adjustment: Adjustment | None = None


def reserve(stock: Stock | None, held: Reservation | None, quantity: int, offset: int) -> LineDecision:
    """Hold `quantity` pieces for an order, or say why not. A rejection leaves no row: a later copy may be granted."""
    if held is not None:
        missing = stock is not None and held.reserved_at == offset > stock.applied
        return LineDecision(held.status, _hold(stock, held.quantity, offset) if stock and missing else None)
    if stock is None:
        return LineDecision(LineStatus.REJECTED, shortage=Shortage.UNKNOWN_PRODUCT)
    if offset <= stock.applied or stock.available < quantity:
        return LineDecision(LineStatus.REJECTED, shortage=Shortage.OUT_OF_STOCK)
    granted = Reservation(quantity, LineStatus.RESERVED, reserved_at=offset)
    return LineDecision(LineStatus.RESERVED, _hold(stock, quantity, offset), granted)


def release(stock: Stock | None, held: Reservation | None, offset: int) -> LineDecision:
    """Give back what an order holds. Where it holds nothing, a closed reservation bars a reserve that comes late."""
    if held is None:
        return LineDecision(LineStatus.RELEASED, reservation=Reservation(0, LineStatus.RELEASED, settled_at=offset))
    return _settle(stock, held, LineStatus.RELEASED, offset)


def commit(stock: Stock | None, held: Reservation | None, offset: int) -> LineDecision:
    """Take what an order holds out of the warehouse. Nothing can be taken that was not held: refused.

    That goes for a replay, too, of a commit that came before its reserve, whose row a crash may have kept.
    """
    if held is None or offset < held.reserved_at:
        return LineDecision(None)
    return _settle(stock, held, LineStatus.COMMITTED, offset)


def adjust(stock: Stock | None, done: Adjustment | None, delta: int, offset: int) -> AdjustDecision:
    """Add `delta` pieces to on-hand, unless less would remain than live orders hold. Makes a product that is new."""
    before = stock or Stock()
    if done is not None:
        missing = done.ok and done.offset == offset > before.applied
        return AdjustDecision(done.ok, _supply(before, done.delta, offset) if missing else None)
    ok = before.available + delta >= 0
    return AdjustDecision(ok, _supply(before, delta, offset) if ok else None, Adjustment(delta, ok, offset))


def set_on_hand(stock: Stock | None, done: Adjustment | None, quantity: int, offset: int) -> AdjustDecision:
    """Make on-hand `quantity`: an adjustment by what is missing to it now."""
    return adjust(stock, done, quantity - (stock.on_hand if stock else 0), offset)


def _settle(stock: Stock | None, held: Reservation, to: LineStatus, offset: int) -> LineDecision:
    if stock is None:
        return LineDecision(held.status)
    if held.status is LineStatus.RESERVED and offset > stock.applied:
        settled = replace(held, status=to, settled_at=offset)
        return LineDecision(to, _unhold(stock, settled, offset), settled)
    missing = held.quantity > 0 and held.settled_at == offset > stock.applied
    return LineDecision(held.status, _unhold(stock, held, offset) if missing else None)


def _hold(stock: Stock, quantity: int, offset: int) -> Stock:
    return Stock(stock.on_hand, stock.reserved + quantity, offset)


def _unhold(stock: Stock, settled: Reservation, offset: int) -> Stock:
    gone = settled.quantity if settled.status is LineStatus.COMMITTED else 0
    return Stock(stock.on_hand - gone, stock.reserved - settled.quantity, offset)


def _supply(stock: Stock, delta: int, offset: int) -> Stock:
    return Stock(stock.on_hand + delta, stock.reserved, offset)
