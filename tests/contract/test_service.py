"""Health, the tables and the API page, by the contract."""

import re
from typing import Any
from urllib.parse import quote

from jsonschema import Draft202012Validator

from app.embedded.workers import Worker
from tests.contract.api import Api

OUTSIDE = re.compile(r"""(?:src|href|action)\s*=\s*["']?(?:https?:)?//|url\(\s*["']?(?:https?:)?//|@import""")


async def test_health_names_each_part(api: Api) -> None:
    health = await api.call("GET", "/health", key=None)
    assert (health.status, health.body["status"]) == (200, "ok")
    assert {name: part["state"] for name, part in health.body["parts"].items()} == dict.fromkeys(
        ("kafka", "tables", "agents", "mongodb", "gateway"), "ok"
    )
    for probe in ("/health/live", "/health/ready"):
        assert (await api.call("GET", probe, key=None)).body == {"status": "ok"}


async def test_the_tables_can_be_looked_into(api: Api, worker: Worker, fresh: str) -> None:
    await api.supply(fresh, 5)
    tables = (await api.call("GET", "/tables")).body
    assert tables["workers"] == [f"http://127.0.0.1:{worker.port}"]
    assert [it["name"] for it in tables["tables"]] == ["answers", "inventory", "orders", "payments", "shipments"]
    assert all(it["partitions"] == list(range(8)) for it in tables["tables"])
    row: dict[str, Any] = (await api.call("GET", f"/tables/inventory/{fresh}")).body
    assert (row["__faust"]["ns"], row["stock"]["on_hand"]) == ("stock.row.v1", 5)
    listed = (await api.call("GET", "/tables/inventory", query={"prefix": fresh})).body["rows"]
    assert listed[0] == {"key": fresh, "row": row}
    change = quote(listed[1]["key"], safe="")
    assert (await api.call("GET", f"/tables/inventory/{change}")).body == listed[1]["row"]
    behind = await api.call("GET", "/tables/inventory", query={"prefix": fresh, "after": fresh})
    assert behind.body["rows"] == listed[1:]
    assert (await api.call("GET", "/tables/nothing")).status == 404
    assert (await api.call("GET", f"/tables/orders/{fresh}")).status == 404


def test_the_document_is_openapi(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert set(document) <= {"openapi", "info", "paths", "components"}
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)


async def test_the_api_page_needs_no_outside_host(api: Api) -> None:
    page, headers = await api.text("/api-docs")
    assert headers["Content-Security-Policy"].startswith("default-src 'self'")
    assert not OUTSIDE.search(page)
    parts = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(parts) >= 3
    for part in parts:
        if part.endswith((".css", ".js")):
            content, _ = await api.text(part)
            assert content
            assert not (part.endswith(".css") and OUTSIDE.search(content))


async def test_the_api_page_asks_no_outside_validator(api: Api) -> None:
    start, _ = await api.text("/api-docs/start.js")
    assert "validatorUrl: null" in start
    assert "//" not in start
