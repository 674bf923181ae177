"""One trace an order, as a collector receives it: from the request to the last state, and back where it must."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from otlp import Received, Receiver, orphans, receiving
from shop import Shop
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.mongod import EmbeddedMongod

CLIENT = "b7ad6b7169203331"
LINES = {"tea": 1, "cup": 2, "pot": 1}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def traced_worker(worker_factory: WorkerFactory, receiver: Receiver) -> Callable[[], WorkerProcess]:
    """Starts a worker that sends its spans to the receiver."""
    told = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "SESSION_TIMEOUT_S": "6",
    }
    return lambda: worker_factory(environment=told)


@pytest.fixture
async def shop(traced_worker: Callable[[], WorkerProcess], mongo: EmbeddedMongod, app_id: str) -> AsyncIterator[Shop]:
    worker = traced_worker()
    async with Shop([worker.url], mongo.url, app_id) as made:
        for product in LINES:
            await made.supply(product, 10)
        yield made


async def complete(find: Callable[[], list[Received]], is_there: Callable[[list[Received]], bool]) -> list[Received]:
    """The spans, once those that are wanted are there and none lacks its parent."""
    async with asyncio.timeout(20):
        while not is_there(spans := find()) or orphans(spans):
            await asyncio.sleep(0.1)
    return spans


async def until_it_awaits_shipment(shop: Shop, order_id: str) -> None:
    async with asyncio.timeout(20):
        while (await shop.call("GET", f"/v1/orders/{order_id}"))[1]["status"] != "AWAITING_SHIPMENT":
            await asyncio.sleep(0.05)


async def trace_of(shop: Shop, order_id: str) -> str:
    _, told = await shop.call("GET", f"/v1/orders/{order_id}/events")
    return str(told["items"][0]["traceId"])


def topics(spans: list[Received]) -> Counter[str]:
    """How many messages of each topic, and how many of other spans, by name."""
    return Counter(re.sub(r"^process \S*?\.", "", span.name) for span in spans)


def projected(status: str) -> Callable[[list[Received]], bool]:
    """Whether the order has come to this status, and the projection knows."""
    kind = f"order.{status.lower().replace('_', '-')}.v1"
    return lambda spans: any(span.attributes.get("order.message") == kind for span in spans)


async def test_an_order_of_three_lines_is_one_trace(shop: Shop, receiver: Receiver) -> None:
    await shop.place("o1", LINES)
    await shop.at_rest("o1")
    trace_id = await trace_of(shop, "o1")
    spans = await complete(
        lambda: receiver.trace(trace_id), lambda it: projected("SHIPPED")(it) and topics(it)["inventory.events"] == 6
    )

    [root] = [span for span in spans if not span.parent_id]
    assert (root.name, root.attributes["http.response.status_code"]) == ("POST /v1/orders", 201)
    told = topics(spans)
    assert (told["orders"], told["inventory"], told["payments"], told["shipping"]) == (10, 6, 2, 1)
    assert (told["orders.events"], told["inventory.events"]) == (4, 6)
    assert {name for name in told if "simulated" in name} == {
        "authorize simulated",
        "capture simulated",
        "book simulated",
    }
    assert max(Counter(span.span_id for span in spans).values()) == 1
    named = [
        span.attributes.get("order.id") for span in spans if span is not root and "inventory.events" not in span.name
    ]
    assert set(named) == {"o1"}


async def test_a_cancelled_order_shows_its_way_back_and_who_asked_for_it(shop: Shop, receiver: Receiver) -> None:
    await shop.place("o2", LINES, shipping={"mode": "manual"})
    await until_it_awaits_shipment(shop, "o2")
    trace_id = await trace_of(shop, "o2")
    theirs = "0af7651916cd43dd8448eb211c80319c"
    sent = {"traceparent": f"00-{theirs}-{CLIENT}-01"}
    status, _ = await shop.call("PUT", "/v1/orders/o2/cancel", json={}, headers=sent)
    assert status == 202
    spans = await complete(lambda: receiver.trace(trace_id), projected("CANCELLED"))

    told = topics(spans)
    assert (told["inventory"], told["payments"]) == (6, 2), "three reserved and released; authorised and voided"
    assert told["void simulated"] == 1
    [cancelled] = [span for span in spans if span.attributes.get("order.message") == "order.cancel.v1"]
    assert cancelled.links == [theirs]
    [asked] = receiver.trace(theirs)
    assert (asked.name, asked.parent_id) == ("PUT /v1/orders/{order_id}/cancel", CLIENT)


async def test_it_goes_on_when_the_worker_dies_in_the_middle(
    traced_worker: Callable[[], WorkerProcess], mongo: EmbeddedMongod, app_id: str, receiver: Receiver
) -> None:
    worker = traced_worker()
    async with Shop([worker.url], mongo.url, app_id) as shop:
        for product in LINES:
            await shop.supply(product, 10)
        await shop.place("o3", LINES, shipping={"mode": "manual"})
        await until_it_awaits_shipment(shop, "o3")
        trace_id = await trace_of(shop, "o3")
        await complete(lambda: receiver.trace(trace_id), projected("AWAITING_SHIPMENT"))
        await asyncio.to_thread(worker.kill)
        other = await asyncio.to_thread(traced_worker)
        shop.urls = [other.url]
        status, told = await shop.call("POST", "/v1/shipping", json={"orderId": "o3"})
        assert status in (200, 202), told
        await shop.at_rest("o3")
        spans = await complete(lambda: receiver.trace(trace_id), projected("SHIPPED"))
    assert {span.instance for span in spans} == {worker.url, other.url}
    assert [span.name for span in spans if not span.parent_id] == ["POST /v1/orders"]


async def test_what_a_client_has_traced_goes_on_and_what_it_has_not_is_left(shop: Shop, receiver: Receiver) -> None:
    wanted, unwanted = "4bf92f3577b34da6a3ce929d0e0e4736", "5bf92f3577b34da6a3ce929d0e0e4736"
    for order_id, trace_id, flags in (("o4", wanted, "01"), ("o5", unwanted, "00")):
        status, _ = await shop.call(
            "POST",
            "/v1/orders",
            json={"orderId": order_id, "userId": "u", "items": [{"productId": "tea", "quantity": 1}]},
            headers={"traceparent": f"00-{trace_id}-{CLIENT}-{flags}"},
        )
        assert status == 201
        await shop.at_rest(order_id)

    def below_the_client() -> list[Received]:
        return [span for span in receiver.trace(wanted) if span.parent_id != CLIENT]

    async with asyncio.timeout(20):
        while not projected("SHIPPED")(receiver.trace(wanted)):
            await asyncio.sleep(0.1)
    first = {span.span_id for span in receiver.trace(wanted) if span.parent_id == CLIENT}
    assert len(first) == 1, "the request"
    assert {span.parent_id for span in orphans(below_the_client())} <= first
    assert receiver.trace(unwanted) == []


async def test_a_collector_that_is_away_touches_no_order(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str, free_port: int
) -> None:
    told: dict[str, Any] = {
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{free_port}/v1/traces",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
    }
    worker = worker_factory(environment=told)
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("tea", 10)
        await shop.place("o1", {"tea": 1})
        assert (await shop.at_rest("o1"))["status"] == "SHIPPED"
    worker.term()
    assert worker.child.exit_code == 0
