"""The audit against a real worker: clean after all kinds of orders, and it finds what is planted afterwards."""

import asyncio
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition
from dead_letters import Command
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from schemas.codec import Decoder, encode, remade
from schemas.commands import ReserveStock
from schemas.rows import AdjustmentRow, ReservationRow, StockRow


def kinds(report: dict[str, Any]) -> set[str]:
    return {it["kind"] for it in report["differences"]}


async def settled(audit: Command, *words: str, timeout_s: float = 30.0) -> tuple[int, dict[str, Any]]:
    """An audit that found nothing in flight."""
    async with asyncio.timeout(timeout_s):
        while True:
            code, report = await asyncio.to_thread(audit, *words)
            assert isinstance(report, dict), report
            late = [it for it in report["reach"] if it["committed"] < it["end"]]
            if code or not (late or report["inFlight"]):
                return code, report


async def place_all_kinds(shop: Shop) -> None:
    """Orders that end in every way there is."""
    await asyncio.gather(*(shop.supply(product, 40) for product in ("tea", "cup")))
    ways: list[dict[str, Any]] = [
        {},
        {"payment": {"method": "declined"}},
        {"payment": {"method": "timeout"}},
        {"payment": {"method": "capture-declined"}},
        {"shipping": {"address": {"country": "XX"}}},
    ]
    order_ids = [f"o{number}" for number in range(30)]
    await asyncio.gather(
        *(shop.place(it, {"tea": 1, "cup": 1 + n % 3}, **ways[n % 5]) for n, it in enumerate(order_ids))
    )
    await shop.place("unknown", {"tea": 1, "nothing": 1})
    await shop.place("too-much", {"tea": 1, "cup": 9999})
    await shop.place("waits", {"tea": 2}, payment={"mode": "manual"})
    for order_id in ("waits", "o0", "o5"):
        await shop.call("PUT", f"/v1/orders/{order_id}/cancel")
    await shop.all_at_rest([*order_ids, "unknown", "too-much", "waits"])


async def test_all_kinds_of_orders_leave_no_difference_and_each_planted_one_is_found(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str, audit: Command
) -> None:
    worker = worker_factory()
    vandal = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    vandal.produce(f"{app_id}.orders", b"rubbish", b"o1")
    vandal.produce(f"{app_id}.inventory", encode(ReserveStock("o1", "tea", quantity=0)), b"tea")
    assert vandal.flush(10) == 0
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await place_all_kinds(shop)
        code, report = await settled(audit, "--live", "--url", worker.url)
        assert (code, report["differences"]) == (0, [])
        assert (report["orders"], report["owedMinor"]) == (33, report["takenMinor"])
        assert sum(report["ended"].values()) == 33

        removed = shop.database["gateway_ledger"].find_one_and_delete({"operation": "capture", "ok": True})
        assert removed is not None
        code, report = await asyncio.to_thread(audit)
        assert (code, kinds(report)) == (1, {"LEDGER_DIFFERS"})
        assert {tuple(it["orders"]) for it in report["differences"]} == {(removed["order_id"],)}
        shop.database["gateway_ledger"].insert_one(removed)

        shop.database["orders"].update_one({"_id": "o1"}, {"$set": {"status": "SHIPPED"}})
        code, report = await asyncio.to_thread(audit)
        assert (code, [(it["kind"], it["orders"]) for it in report["differences"]]) == (
            1,
            [("PROJECTION_DIFFERS", ["o1"])],
        )
        shop.database["orders"].update_one({"_id": "o1"}, {"$set": {"status": "REJECTED"}})

    worker.term()  # a worker that runs writes its row again over a stranger's
    tamper_with_stock(kafka, f"{app_id}-inventory-changelog", "tea")
    code, report = await asyncio.to_thread(audit)
    assert (code, [(it["kind"], it["products"]) for it in report["differences"]]) == (1, [("ROW_DIFFERS", ["tea"])])


def tamper_with_stock(kafka: EmbeddedKafka, changelog: str, product_id: str) -> None:
    """Write the product's row again, with one piece more."""
    reader = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "tamper", "enable.auto.commit": False})
    partitions = reader.list_topics(changelog, timeout=10).topics[changelog].partitions
    reader.assign([TopicPartition(changelog, partition, 0) for partition in partitions])
    last = None
    for message in iter(lambda: reader.poll(2.0), None):
        assert message.error() is None
        if message.key() == product_id.encode():
            last = message
    reader.close()
    assert last is not None
    row = Decoder((StockRow, ReservationRow, AdjustmentRow))(last.value())
    assert isinstance(row, StockRow)
    stock = type(row.stock)(row.stock.on_hand + 1, row.stock.reserved, row.stock.applied)
    writer = Producer({"bootstrap.servers": kafka.bootstrap})
    writer.produce(changelog, encode(remade(StockRow, row, stock=stock)), last.key(), last.partition())
    assert writer.flush(10) == 0
