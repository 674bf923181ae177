"""The OpenAPI document: it has every call, says of each what the contract says, and holds together."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import views
from app.main import app
from views import openapi
from views.page import Page, web_app

DOCUMENT: dict[str, Any] = json.loads(openapi.document())
OPERATIONS = {(method.upper(), path): it for path, item in DOCUMENT["paths"].items() for method, it in item.items()}


def routes() -> set[tuple[str, str]]:
    """What the project's own pages are served under; Faust has pages of its own."""
    ours = {re.sub(r":[^}]*}", "}", path) for path, view in app.web.views.items() if isinstance(view, Page)}
    served = [(route.method, route.resource.canonical) for route in web_app.router.routes() if route.resource]
    return {(method, path) for method, path in served if path in ours and method != "HEAD"}


def test_it_has_every_call_of_the_app_and_no_other() -> None:
    assert views.__all__
    assert routes() == set(OPERATIONS)


def test_it_says_of_every_call_whom_it_is_for() -> None:
    public = {path for (_, path), operation in OPERATIONS.items() if "security" not in operation}
    assert {path.split("/")[1] for path in public} <= {"health", "metrics", "api-docs"}
    for (_, path), operation in OPERATIONS.items():
        if path not in public:
            assert set(operation["x-roles"]) > {"admin"} or path.startswith(("/tables", "/cluster"))
            assert all(f"`{role}`" in operation["description"] for role in operation["x-roles"])
            assert {"401", "403", "503"} <= set(operation["responses"])


def test_every_id_of_an_operation_is_its_own() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(ids)) == len(ids)


def test_every_parameter_of_a_path_is_described() -> None:
    for (_, path), operation in OPERATIONS.items():
        described = {it["name"] for it in operation["parameters"] if it["in"] == "path"}
        assert described == set(re.findall(r"{(\w+)}", path))


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert found
    for reference in found:
        target = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if "$ref" in node:
            yield node["$ref"]
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def test_every_schema_is_json_schema() -> None:
    for schema in DOCUMENT["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    ("call", "answers"),
    [
        (("POST", "/v1/orders"), {200, 201, 400, 401, 403, 409, 413, 415, 422, 429, 503}),
        (("GET", "/v1/orders/{order_id}"), {200, 400, 401, 403, 404, 422, 429, 503}),
        (("GET", "/v1/orders"), {200, 400, 401, 403, 422, 429, 503}),
        (("PUT", "/v1/orders/{order_id}/cancel"), {200, 202, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503}),
        (("PUT", "/v1/inventory/update"), {200, 400, 401, 403, 409, 413, 415, 422, 429, 503}),
        (("POST", "/v1/payments"), {200, 202, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503}),
        (("POST", "/v1/shipping"), {200, 202, 400, 401, 403, 404, 409, 413, 415, 422, 429, 503}),
        (("GET", "/health"), {200, 503}),
    ],
)
def test_it_has_every_answer_of_the_contract(call: tuple[str, str], answers: set[int]) -> None:
    assert set(map(int, OPERATIONS[call]["responses"])) == answers


def test_what_can_be_read_at_a_position_says_so_and_tells_the_next_one() -> None:
    read_at_position = {
        path for (method, path), it in OPERATIONS.items() if "x-position" in {p["name"] for p in it["parameters"]}
    }
    assert read_at_position == {path for method, path in OPERATIONS if method == "GET" and path.startswith("/v1/")}
    for (method, path), operation in OPERATIONS.items():
        tells = "x-position" in operation["responses"]["200"]["headers"]
        assert tells == (path.startswith("/v1/") and (method != "GET" or "{" in path)), path


def test_times_and_unknown_fields_are_described() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["OrderAnswer"]["properties"]["createdAt"]["format"] == "date-time"
    assert schemas["OrderRequest"]["additionalProperties"] is False
