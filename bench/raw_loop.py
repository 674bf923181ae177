"""The raw loop: the records of an order without Faust, without decisions and without safety, with the same clients.

The project's own reader and sender, a dict is the state. Facts are read and dropped, no call is made, and nothing is
committed.
"""

from __future__ import annotations

import asyncio
import gc
import os
from pathlib import Path
from typing import Any

import aiohttp.web
import orjson
import uvloop
from faust.types import TP

from app.delivery.brokers import Brokers
from app.delivery.partitioning import partition_of
from app.delivery.reader import Reader
from app.delivery.security import OPEN
from app.delivery.sender import Sender
from bench.house import PARTITIONS
from bench.shape import record_of

READ = ("orders", "inventory", "payments", "shipping", "orders.events", "inventory.events")


class RawLoop:
    """One process that takes every message of the system, and writes what the script says that it causes."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._bootstrap = environment["KAFKA_URL"].removeprefix("kafka://")
        self._app_id, self._prefix = environment["APP_ID"], environment["TOPIC_PREFIX"]
        self._hops = orjson.loads(Path(environment["BENCH_SCRIPT"]).read_bytes())
        self._state: dict[tuple[str, bytes], Any] = {}
        changelogs = {out["table"] for hop in self._hops for out in hop["outs"] if out["table"]}
        topics = [*(self._prefix + name for name in READ), *(self._changelog(table) for table in changelogs)]
        self._reader = Reader(Brokers(self._bootstrap, OPEN, [self._prefix + name for name in READ], 8.0), 8.0)
        self._sender = Sender(Brokers(self._bootstrap, OPEN, topics, 8.0), 8.0, _give_up, self._reader.offer)

    async def run(self) -> None:
        """Read slices until the process is ended."""
        self._reader.assign({TP(self._prefix + name, number): 0 for name in READ for number in range(PARTITIONS)})
        while True:
            fetched = await self._reader.read(0.5)
            changed: dict[tuple[str, bytes], tuple[int, dict[str, Any], int]] = {}
            for records in fetched.values():
                for record in records:
                    self._take(record, changed)
            for (table, key), (partition, message, size) in changed.items():
                value = record_of(message["id"], message["products"], -1, size)
                self._sender.send((self._changelog(table), partition), [(key, value, ())], _acknowledged)
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
                place = self._prefix + out["topic"], partition_of(key.encode(), PARTITIONS)
                self._sender.send(place, [(key.encode(), value, ())], _acknowledged)

    def _changelog(self, table: str) -> str:
        return f"{self._app_id}-{table}-changelog"


def _acknowledged(error: str | None, _offset: int, _time_ms: int, _count: int) -> None:
    if error is not None:
        raise RuntimeError(error)


async def _give_up(_waited_s: float) -> str:
    return "the broker does not answer"


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
