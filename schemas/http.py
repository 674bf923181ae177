"""The bodies of the HTTP contract. Requests refuse unknown fields; answers are also what the projection keeps."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

from app.domain.order import Status
from schemas.values import (
    MAX_LINES,
    Address,
    Change,
    Currency,
    Identifier,
    Metadata,
    Mode,
    NewOrderId,
    PriceMinor,
    Quantity,
    StockMode,
    Text,
    Token,
)

Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
"""RFC 3339; we always say UTC."""


@lru_cache(4096)  # the answers about one order say the same few times again and again
def moment(at_ms: int) -> datetime:
    """Milliseconds since 1970 as a time in UTC, which JSON shows by RFC 3339."""
    return datetime.fromtimestamp(at_ms / 1000, UTC)


class Request(Struct, rename="camel", forbid_unknown_fields=True):
    """A body that somebody sends us."""


class Answer(Struct, rename="camel"):
    """A body that we send."""


class ItemRequest(Request):
    """One product of an order; a product stands once."""

    product_id: Identifier
    quantity: Quantity


class PaymentChoice(Request):
    """How the order is to be paid: by itself, or when somebody posts to `/v1/payments`."""

    mode: Mode = Mode.AUTO
    method: Token | UnsetType = UNSET


class ShippingChoice(Request):
    """How the order is to be shipped: by itself, or when somebody posts to `/v1/shipping`."""

    mode: Mode = Mode.AUTO
    address: Address | UnsetType = UNSET


class OrderRequest(Request):
    """`POST /v1/orders`. Without an `orderId` one is made."""

    user_id: Identifier
    items: Annotated[tuple[ItemRequest, ...], Meta(min_length=1, max_length=MAX_LINES)]
    order_id: NewOrderId | UnsetType = UNSET
    payment: PaymentChoice = field(default_factory=PaymentChoice)
    shipping: ShippingChoice = field(default_factory=ShippingChoice)
    metadata: Metadata | UnsetType = UNSET


class CancelRequest(Request):
    """`PUT /v1/orders/:id/cancel`."""

    reason: Text | UnsetType = UNSET


class PayRequest(Request):
    """`POST /v1/payments`."""

    order_id: Identifier
    method: Token | UnsetType = UNSET


class ShipRequest(Request):
    """`POST /v1/shipping`."""

    order_id: Identifier
    address: Address | UnsetType = UNSET
    carrier: Token | UnsetType = UNSET


class StockUpdateRequest(Request):
    """`PUT /v1/inventory/update`. `set` makes on-hand `quantity`, `adjust` adds it, and may be negative."""

    product_id: Identifier
    quantity: Change
    mode: StockMode = StockMode.SET
    price: PriceMinor | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    name: Text | UnsetType = UNSET


class PaymentState(StrEnum):
    """What the public is told of a payment."""

    PENDING = "PENDING"
    AUTHORIZED = "AUTHORIZED"
    CAPTURED = "CAPTURED"
    DECLINED = "DECLINED"
    VOIDED = "VOIDED"
    REFUNDED = "REFUNDED"


class ShipmentState(StrEnum):
    """What the public is told of a shipment."""

    PENDING = "PENDING"
    BOOKED = "BOOKED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"
    REFUSED = "REFUSED"


class ItemAnswer(Answer):
    """One product of an order; `unitPrice`, in minor units, is known once it is reserved."""

    product_id: str
    quantity: int
    unit_price: int | None


class PaymentAnswer(Answer):
    """`GET /v1/payments/:orderId`. `amount` is in minor units of `currency`."""

    order_id: str
    status: PaymentState
    amount: int
    currency: str | None
    gateway: str | None
    gateway_reference: str | None
    attempts: int
    reason: str | None
    updated_at: Moment


class ShipmentAnswer(Answer):
    """`GET /v1/shipping/:orderId`."""

    order_id: str
    status: ShipmentState
    carrier: str | None
    tracking_number: str | None
    updated_at: Moment


class OrderAnswer(Answer):
    """`GET /v1/orders/:id`. `total` is in minor units of `currency`, and known once all is reserved."""

    order_id: str
    user_id: str
    status: Status
    reason: str | None
    version: int
    items: tuple[ItemAnswer, ...]
    total: int | None
    currency: str | None
    payment_mode: Mode
    payment_status: PaymentState
    shipping_mode: Mode
    shipping_status: ShipmentState
    tracking_number: str | None
    address: dict[str, str] | None
    metadata: dict[str, str]
    created_at: Moment
    updated_at: Moment


class OrderStatusAnswer(Answer):
    """`GET /v1/orders/status/:id`."""

    order_id: str
    status: Status
    reason: str | None
    version: int
    updated_at: Moment


class OrderListAnswer(Answer):
    """`GET /v1/orders`."""

    items: tuple[OrderAnswer, ...]
    next_cursor: str | None


class OrderEventAnswer(Answer):
    """One thing that happened to an order: the message that caused it by kind and place in the log, and its trace."""

    version: int
    status: Status
    at: Moment
    topic: str
    partition: int
    offset: int
    cause: str | None = None
    trace_id: str | None = None


class OrderEventsAnswer(Answer):
    """`GET /v1/orders/:id/events`, oldest first."""

    order_id: str
    items: tuple[OrderEventAnswer, ...]


class StockAnswer(Answer):
    """`GET /v1/inventory/:productId`. `price` is in minor units of `currency`."""

    product_id: str
    name: str
    on_hand: int
    reserved: int
    available: int
    price: int
    currency: str
    version: int
    updated_at: Moment


class StockListAnswer(Answer):
    """`GET /v1/inventory`."""

    items: tuple[StockAnswer, ...]
    next_cursor: str | None


class PartAnswer(Answer, omit_defaults=True):
    """One part of the system as this worker sees it; `state` is `ok`, or what is the matter, and it is so `since` then.

    That is when a probe of this worker first saw it so.
    """

    state: str
    since: Moment
    detail: str = ""


class HealthAnswer(Answer):
    """`GET /health`. `status` is `ok`, `degraded` (orders are taken, but something is the matter) or `unavailable`."""

    status: str
    parts: dict[str, PartAnswer]


class LiveAnswer(Answer, omit_defaults=True):
    """`GET /health/live` and `GET /health/ready`: `status` is `ok`, or what is the matter."""

    status: str
    detail: str = ""


class TableAnswer(Answer):
    """One table: the partitions of it that a worker holds, and its rows there."""

    name: str
    partitions: tuple[int, ...]
    rows: int


class TablesAnswer(Answer):
    """`GET /tables`. `workers` are the addresses of all workers, `tables` what the asked one holds."""

    workers: tuple[str, ...]
    tables: tuple[TableAnswer, ...]


class TableRow(Answer):
    """A row as it stands in the table's changelog."""

    key: str
    row: Raw


class TableRowsAnswer(Answer):
    """`GET /tables/:name`, by key."""

    rows: tuple[TableRow, ...]


class FieldProblem(Answer):
    """What is wrong with one field: `pointer` is a JSON pointer into the body."""

    pointer: str
    detail: str


class Problem(Answer, omit_defaults=True):
    """RFC 9457: what every answer of 400 and above looks like."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    errors: tuple[FieldProblem, ...] = ()
