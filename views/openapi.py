"""The OpenAPI 3.1 document: made of the table of calls and of the bodies' types, so that it can't say anything else."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Final

import msgspec

from app.domain.order import Status
from app.security.caller import Role
from schemas import http
from schemas.values import ID_PATTERN
from views.admission import API_KEY
from views.bodies import JSON_TYPE
from views.contract import CALLS, IDEMPOTENCY_KEY, POSITION, Call, Parameter
from views.edge import REQUEST_ID
from views.idempotency import REPLAYED
from views.problems import PROBLEM_TYPE

_REF: Final = "#/components/schemas/{name}"

ABOUT: Final = """\
Takes orders in and carries them through stock, payment and shipping; whatever fails is undone.

Times are RFC 3339 in UTC; money is an integer in the currency's minor unit. Unknown request fields are refused.
Every answer of 400 and above is a problem document (RFC 9457). A method that an address does not take is answered `405`
with `Allow`. A `503` says in `Retry-After` when to come back; the call may be repeated, and an order is taken once
under its `orderId`.
"""

WHY: Final = {
    200: "Done.",
    201: "Taken in: the order is in every in-sync replica.",
    202: "Begun; this is how far it is.",
    400: "The body is not JSON, or a header is not what it must be.",
    401: "No or wrong credentials.",
    403: "Not for this role.",
    404: "There is no such thing.",
    409: "It can't be done to what is there.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not `application/json`, or is packed (`Content-Encoding`).",
    422: "Well-formed, but not valid; `errors` say where.",
    429: "Too often: by this key, or with wrong credentials from this address.",
    503: "Not now; nothing is lost.",
}
APPLICATION: Final = "Names the calling application; every call needs it. It may have roles of its own."
PERSON: Final = "Names the person that the application calls for (`sub`), whose `roles` then count instead."
_WHY_WITH_A_KEY: Final = {
    409: " Or, with `Retry-After`: the first request with this `Idempotency-Key` is not answered yet.",
    422: " Or this `Idempotency-Key` came before, with another body.",
}


def _header(meaning: str, kind: str = "string") -> dict[str, Any]:
    return {"description": meaning, "schema": {"type": kind}}


HEADERS: Final = {
    "RequestId": _header("The id of the request: the one it came with, or one that was made."),
    "Location": _header("Where the order is."),
    "RetryAfter": _header("Seconds.", "integer"),
    "Authenticate": _header("What is missing."),
    "RateLimit": _header("How many more requests of this key pass, and in how many seconds it has them all again."),
    "RateLimitPolicy": _header("How many requests of this key pass at once, and in how many seconds they come back."),
    "Replayed": _header("`true`: the first answer to this `Idempotency-Key`, once more."),
    "PreferenceApplied": _header("The `Prefer` that was heeded."),
    "ReadSource": _header("`projection`: from MongoDB, as all lists; not sent with what the owner of the key says."),
    "Age": _header(
        "With `x-read-source`: seconds since this was known to be up to date; not sent if never.", "integer"
    ),
    "Position": _header("What a later `GET` may send back, to see no less than this."),
}
_HEADERS_OF_STATUS: Final = {
    201: {"Location": "Location"},
    401: {"WWW-Authenticate": "Authenticate"},
    429: {"Retry-After": "RetryAfter"},
    503: {"Retry-After": "RetryAfter"},
}


@cache
def document() -> bytes:
    """The document, as JSON."""
    kinds = [kind for call in CALLS for kind in (call.takes, *call.answers.values()) if isinstance(kind, type)]
    _, schemas = msgspec.json.schema_components([*kinds, http.Problem, Status], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {"title": "Order processor", "version": version("order-processor"), "description": ABOUT},
            "paths": paths,
            "components": {
                "schemas": schemas,
                "headers": HEADERS,
                "securitySchemes": {
                    "key": {"type": "apiKey", "in": "header", "name": str(API_KEY), "description": APPLICATION},
                    "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": PERSON},
                },
            },
        }
    )


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{call.method.lower()}{call.path}").strip("_"),
        "summary": call.summary,
        "tags": [call.tag],
        "parameters": [_parameter(it) for it in (*_path_parameters(call), *call.parameters)],
        "responses": {str(status): _response(call, status) for status in sorted(statuses(call))},
    }
    if call.who is not None:
        operation["security"] = [{"key": []}, {"key": [], "token": []}]
        operation["description"] = _who(call)
        operation["x-roles"] = _roles(call)
    if call.takes is not None:
        operation["requestBody"] = {
            "required": not call.may_be_empty,
            "content": {JSON_TYPE: {"schema": {"$ref": _REF.format(name=call.takes.__name__)}}},
        }
    return operation


def _roles(call: Call) -> list[str]:
    return sorted({*(call.who or ()), Role.ADMIN})


def _who(call: Call) -> str:
    """Whom the call is for, in words."""
    own_only = Role.CUSTOMER in _roles(call) and "inventory" not in call.path
    own = " A customer has its own orders only." if own_only else ""
    return f"For {', '.join(f'`{role}`' for role in _roles(call))}.{own}"


def statuses(call: Call) -> set[int]:
    """All the statuses of a call: its own, and those of its kind."""
    found = set(call.answers)
    if call.who is not None:
        found |= {401, 403, 429, 503}
    if call.takes is not None:
        found |= {400, 413, 415, 422}
    if POSITION in call.parameters:
        found |= {400, 422}
    if "{" in call.path:
        found.add(404)
    return found


def _path_parameters(call: Call) -> list[Parameter]:
    form = {"type": "string", "pattern": ID_PATTERN} if call.path.startswith("/v1/") else {"type": "string"}
    return [Parameter(name, "path", form, "") for name in re.findall(r"{(\w+)}", call.path)]


def _parameter(parameter: Parameter) -> dict[str, Any]:
    name, place, schema, meaning = parameter
    described = {"description": meaning} if meaning else {}
    return {"name": name, "in": place, "required": place == "path", "schema": schema, **described}


def _response(call: Call, status: int) -> dict[str, Any]:
    headers = {REQUEST_ID: "RequestId"} | _HEADERS_OF_STATUS.get(status, {})
    keyed = IDEMPOTENCY_KEY in call.parameters
    if call.counts and status != HTTPStatus.UNAUTHORIZED:
        headers |= {"RateLimit": "RateLimit", "RateLimit-Policy": "RateLimitPolicy"}
    if status < 300 and any(it.name == "Prefer" for it in call.parameters):
        headers |= {"Preference-Applied": "PreferenceApplied"}
    if status == HTTPStatus.OK and POSITION in call.parameters:
        headers |= {"x-read-source": "ReadSource", "Age": "Age"}
    if status < 300 and (keyed or (POSITION in call.parameters and "{" in call.path)):
        headers |= {POSITION.name: "Position"}
    if keyed and (status in call.answers or status == HTTPStatus.NOT_FOUND):
        headers |= {REPLAYED: "Replayed"}
    if keyed and status == HTTPStatus.CONFLICT:
        headers |= {"Retry-After": "RetryAfter"}
    return {
        "description": WHY[status] + (_WHY_WITH_A_KEY.get(status, "") if keyed else ""),
        "headers": {name: {"$ref": f"#/components/headers/{it}"} for name, it in headers.items()},
        "content": _content(call.answers.get(status)),
    }


def _content(kind: type[http.Answer] | str | None) -> dict[str, Any]:
    if isinstance(kind, str):
        return {kind: {}}
    media = PROBLEM_TYPE if kind is None else JSON_TYPE
    return {media: {"schema": {"$ref": _REF.format(name=(kind or http.Problem).__name__)}}}
