"""The raw loop: the records of an order without Faust, without decisions and without safety, with the same clients.

aiokafka reads, librdkafka writes, a dict is the state. Facts are read and dropped, and no call is made.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

import aiohttp.web
import aiokafka
import orjson
import uvloop

from app.delivery.polled import PolledProducer, producer_settings
from bench.shape import record_of

READ = ("orders", "inventory", "payments", "shipping", "orders.events", "inventory.events")
COMMIT_EVERY_S = 0.5


class RawLoop:
    """One process that takes every message of the system, and writes what the script says that it causes."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._bootstrap = environment["KAFKA_URL"].removeprefix("kafka://")
        self._app_id, self._prefix = environment["APP_ID"], environment["TOPIC_PREFIX"]
        self._hops = orjson.loads(Path(environment["BENCH_SCRIPT"]).read_bytes())
        self._state: dict[tuple[str, bytes], Any] = {}
        self._producer = PolledProducer(producer_settings(self._bootstrap, 8.0))

    async def run(self) -> None:
        """Read slices until the process is ended."""
        consumer = aiokafka.AIOKafkaConsumer(
            *(self._prefix + name for name in READ),
            bootstrap_servers=self._bootstrap,
            group_id=self._app_id,
            enable_auto_commit=True,
            auto_commit_interval_ms=int(COMMIT_EVERY_S * 1000),
            auto_offset_reset="earliest",
            max_poll_records=2000,
        )
        await consumer.start()
        while True:
            fetched = await consumer.getmany(timeout_ms=500)
            changed: dict[tuple[str, bytes], tuple[int, dict[str, Any], int]] = {}
            for records in fetched.values():
                for record in records:
                    self._take(record, changed)
            for (table, key), (partition, message, size) in changed.items():
                value = record_of(message["id"], message["products"], -1, size)
                changelog = f"{self._app_id}-{table}-changelog"
                self._producer.send(changelog, key, value, _acknowledged, partition=partition)
            self._producer.poll()
            await asyncio.sleep(0)

    def _take(self, record: Any, changed: dict[tuple[str, bytes], tuple[int, dict[str, Any], int]]) -> None:
        message = orjson.loads(record.value)
        if message["hop"] < 0:
            return
        order_id, product_ids = message["id"], message["products"]
        for out in self._hops[message["hop"]]["outs"]:
            line, _, suffix = out["key"].partition("/")
            key = order_id if line == "order" else product_ids[int(line)]
            if out["table"]:
                at = out["table"], (f"{key}/order/{order_id}" if suffix else key).encode()
                self._state[at] = message
                changed[at] = record.partition, message, out["size"]
            else:
                value = record_of(order_id, product_ids, out["hop"], out["size"])
                self._producer.send(self._prefix + out["topic"], key.encode(), value, _acknowledged)


def _acknowledged(error: Any, _message: Any) -> None:
    if error is not None:
        raise RuntimeError(error.str())


async def _serve(port: int) -> None:
    async def ready(_request: aiohttp.web.Request) -> aiohttp.web.Response:
        return aiohttp.web.json_response({})

    pages = aiohttp.web.Application()
    pages.router.add_get("/health/ready", ready)
    runner = aiohttp.web.AppRunner(pages)
    await runner.setup()
    await aiohttp.web.TCPSite(runner, "127.0.0.1", port).start()
    await RawLoop(dict(os.environ)).run()


if __name__ == "__main__":
    gc.set_threshold(100_000, 50, 1000)
    uvloop.run(_serve(int(os.environ["PORT"])))
