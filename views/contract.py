"""The HTTP contract on one screen: every call, what it takes, and how it answers. The OpenAPI document is made of it.

What all calls share stands in `views.openapi`: who may call, and the errors of any body, any id and any outage.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from app.security.caller import ALL_ROLES, Role
from schemas import http
from schemas.cluster import ClusterAnswer, WorkerAnswer

CUSTOMER, SUPPORT, INVENTORY, PAYMENTS, FULFILMENT, ADMIN = Role
PUBLIC: Final = None
"""Whoever it is: nobody is asked for credentials."""


class Parameter(NamedTuple):
    """Something a call takes beside its path and its body: its name, where it stands, its JSON Schema, its meaning."""

    name: str
    place: str
    schema: Mapping[str, object]
    meaning: str


class Call(NamedTuple):
    """One call: `who` may make it (admin always), `takes` is its body, `answers` are its statuses with what they are.

    That is a body, a media type where it is no JSON of ours, or None for a problem document.
    """

    method: str
    path: str
    who: Collection[Role] | None
    summary: str
    answers: Mapping[int, type[http.Answer] | str | None]
    takes: type[http.Request] | None = None
    may_be_empty: bool = False
    parameters: tuple[Parameter, ...] = ()

    @property
    def counts(self) -> bool:
        """Whether the call counts towards its key's limit, and those in flight: not where operators look inside."""
        return self.path.startswith("/v1/")

    @property
    def tag(self) -> str:
        """What the call is listed under."""
        parts = self.path.strip("/").split("/")
        return parts[1].capitalize() if parts[0] == "v1" else "Tables" if parts[0] == "tables" else "Service"


PREFER: Final = Parameter(
    "Prefer", "header", {"type": "string", "examples": ["wait=5"]},
    "`wait=N` (RFC 7240): answer once the order is at rest, or after N seconds, at most 30.",
)  # fmt: skip
IDEMPOTENCY_KEY: Final = Parameter(
    "Idempotency-Key", "header", {"type": "string", "pattern": '^("[!-~]{1,200}"|[!-~]{1,200})$'},
    "The same key with the same body has the first answer again, for a day; with another body `422`.",
)  # fmt: skip
POSITION: Final = Parameter(
    "x-position", "header", {"type": "string", "examples": ["orders-3-1742"]},
    "The `x-position` of an earlier answer: answer only once all up to it is in, or `503`. A list takes several, "
    "with commas between them.",
)  # fmt: skip
AFTER: Final = Parameter("after", "query", {"type": "string"}, "Only rows whose key comes behind this one.")
LIMIT: Final = Parameter(
    "limit",
    "query",
    {"type": "integer", "minimum": 1, "maximum": 1000, "default": 50},
    "How many items at most; a page of orders ends at 1 MiB, too.",
)
CURSOR: Final = Parameter("cursor", "query", {"type": "string"}, "The `nextCursor` of the answer before.")
USER_ID: Final = Parameter("userId", "query", {"type": "string"}, "Only orders of this user.")
STATUS: Final = Parameter("status", "query", {"$ref": "#/components/schemas/Status"}, "Only orders of this status.")
PREFIX: Final = Parameter("prefix", "query", {"type": "string"}, "Only rows whose key begins with this.")

CALLS: Final = (
    Call("POST", "/v1/orders", {CUSTOMER}, "Take an order in",
         {201: http.OrderAnswer, 200: http.OrderAnswer, 409: None},
         http.OrderRequest, parameters=(PREFER, IDEMPOTENCY_KEY)),
    Call("GET", "/v1/orders", {CUSTOMER, SUPPORT}, "List orders, the newest first",
         {200: http.OrderListAnswer, 422: None},
         parameters=(USER_ID, STATUS, LIMIT, CURSOR, POSITION)),
    Call("GET", "/v1/orders/{order_id}", {CUSTOMER, SUPPORT}, "Show an order",
         {200: http.OrderAnswer}, parameters=(PREFER, POSITION)),
    Call("GET", "/v1/orders/status/{order_id}", {CUSTOMER, SUPPORT}, "Show where an order is",
         {200: http.OrderStatusAnswer},
         parameters=(PREFER, POSITION)),
    Call("GET", "/v1/orders/{order_id}/events", {CUSTOMER, SUPPORT}, "Show what happened to an order",
         {200: http.OrderEventsAnswer},
         parameters=(POSITION,)),
    Call("PUT", "/v1/orders/{order_id}/cancel", {CUSTOMER, SUPPORT}, "Call an order back",
         {202: http.OrderAnswer, 200: http.OrderAnswer, 409: None},
         http.CancelRequest, may_be_empty=True, parameters=(PREFER, IDEMPOTENCY_KEY)),
    Call("GET", "/v1/inventory", ALL_ROLES, "List products by id", {200: http.StockListAnswer, 422: None},
         parameters=(LIMIT, CURSOR, POSITION)),
    Call("GET", "/v1/inventory/{product_id}", ALL_ROLES, "Show a product's stock", {200: http.StockAnswer},
         parameters=(POSITION,)),
    Call("PUT", "/v1/inventory/update", {INVENTORY}, "Set or adjust a product's stock",
         {200: http.StockAnswer, 409: None},
         http.StockUpdateRequest, parameters=(IDEMPOTENCY_KEY,)),
    Call("POST", "/v1/payments", {PAYMENTS}, "Pay an order that waits for it",
         {202: http.PaymentAnswer, 200: http.PaymentAnswer, 404: None, 409: None}, http.PayRequest,
         parameters=(IDEMPOTENCY_KEY,)),
    Call("GET", "/v1/payments/{order_id}", {CUSTOMER, SUPPORT, PAYMENTS}, "Show an order's payment",
         {200: http.PaymentAnswer},
         parameters=(POSITION,)),
    Call("POST", "/v1/shipping", {FULFILMENT}, "Book the shipment of an order that waits for it",
         {202: http.ShipmentAnswer, 200: http.ShipmentAnswer, 404: None, 409: None}, http.ShipRequest,
         parameters=(IDEMPOTENCY_KEY,)),
    Call("GET", "/v1/shipping/{order_id}", {CUSTOMER, SUPPORT, FULFILMENT}, "Show an order's shipment",
         {200: http.ShipmentAnswer},
         parameters=(POSITION,)),
    Call("GET", "/health", PUBLIC, "Show the state of each part", {200: http.HealthAnswer, 503: http.HealthAnswer}),
    Call("GET", "/health/live", PUBLIC, "Tell whether the process answers", {200: http.LiveAnswer}),
    Call("GET", "/health/ready", PUBLIC, "Tell whether to send requests here",
         {200: http.LiveAnswer, 503: http.LiveAnswer}),
    Call("GET", "/metrics", PUBLIC, "Measure this worker, for Prometheus", {200: "text/plain"}),
    Call("GET", "/cluster", {ADMIN}, "Show every worker, what it holds and how far it is", {200: ClusterAnswer}),
    Call("GET", "/cluster/worker", {ADMIN}, "Show the same of this worker alone", {200: WorkerAnswer}),
    Call("GET", "/tables", {ADMIN}, "Show what this worker holds of each table", {200: http.TablesAnswer}),
    Call("GET", "/tables/{name}", {ADMIN}, "Show this worker's rows of a table", {200: http.TableRowsAnswer, 422: None},
         parameters=(PREFIX, AFTER, LIMIT)),
    Call("GET", "/tables/{name}/{key}", {ADMIN}, "Show one row", {200: "application/json"}),
    Call("GET", "/api-docs", PUBLIC, "Browse this document", {200: "text/html"}),
    Call("GET", "/api-docs/openapi.json", PUBLIC, "Read this document", {200: "application/json"}),
    Call("GET", "/api-docs/{name}", PUBLIC, "Read a part of that page", {200: "*/*"}),
)  # fmt: skip
