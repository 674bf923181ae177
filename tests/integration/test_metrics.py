"""What a worker says of itself to Prometheus, after orders of each kind went through it."""

import asyncio

import aiohttp
from prometheus_client.parser import text_string_to_metric_families
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def scraped(url: str) -> Samples:
    """All samples, by name and labels."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        text = await answer.text()
    families = text_string_to_metric_families(text)
    return {(it.name, frozenset(it.labels.items())): it.value for family in families for it in family.samples}


def of(samples: Samples, name: str, **labels: str) -> float:
    """The sample with these labels among others, or the sum of all that have them."""
    wanted = labels.items()
    return sum(value for (named, told), value in samples.items() if named == name and wanted <= set(told))


async def test_the_shop_and_the_stream_are_told_in_numbers(
    worker_factory: WorkerFactory, mongo: EmbeddedMongod, app_id: str
) -> None:
    worker = worker_factory(environment={"LOW_STOCK": "5"})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("tea", 100)
        await shop.supply("cup", 3)
        methods = {"paid": None, "declined": "declined", "lost": "capture-declined", "flaky": "flaky"}
        for order_id, method in methods.items():
            details = {"payment": {"method": method}} if method else {}
            assert await shop.place(order_id, {"tea": 2}, **details) == 201
        await shop.place("waits", {"tea": 1}, payment={"mode": "manual"})
        await shop.place("none-left", {"cup": 4})
        await shop.all_at_rest(methods)
        await shop.call("GET", "/v1/orders/nobody")
        async with asyncio.timeout(20):
            while of(samples := await scraped(worker.url), "delivery_lag") or of(samples, "orders_unanswered"):
                await asyncio.sleep(0.05)

    current = {status: of(samples, "orders_current", status=status) for status in ("SHIPPED", "REJECTED")}
    assert current == {"SHIPPED": 2, "REJECTED": 3}
    assert of(samples, "orders_current", status="AWAITING_PAYMENT") == 1
    assert of(samples, "orders_rejections_total", reason="PAYMENT_DECLINED") == 2
    assert of(samples, "orders_reached_seconds_count", status="SHIPPED") == 2
    assert of(samples, "stock_products", available="low") == 1
    assert of(samples, "stock_products", available="enough") == 1
    assert of(samples, "payments_amount_minor_total", operation="captured") == 400
    assert of(samples, "payments_amount_minor_total", operation="voided") == 200
    assert of(samples, "outside_call_seconds_count", operation="authorize", outcome="unknown") == 2
    assert of(samples, "delivery_waited_seconds_count", topic=f"{app_id}.orders") > 0
    assert of(samples, "delivery_commit_age_seconds") < 5
    assert of(samples, "outside_call_seconds_count", operation="authorize", outcome="refused") == 1
    assert of(samples, "http_request_seconds_count", route="/v1/orders", status="201") >= 5
    assert of(samples, "http_request_seconds_count", route="/v1/orders/{order_id}", status="404") == 1
    assert of(samples, "delivery_messages_total") > 40
    assert of(samples, "delivery_rebalances_total") >= 1
    assert of(samples, "mongodb_command_seconds_count", outcome="done") > 0
    assert of(samples, "event_loop_delay_seconds_count") > 0
    assert not [name for name, labels in samples if {"o1", "paid", "waits"} & {value for _, value in labels}]
