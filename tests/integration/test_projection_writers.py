"""Two workers that tell MongoDB of one order at the same moment, as when one of them was believed dead."""

import asyncio

from app.adapters.mongo import Collection, database
from app.adapters.projection_writes import save_newest
from app.embedded.mongod import EmbeddedMongod

ROUNDS = 300
KEYS = 4


async def test_the_newest_version_stays_whoever_is_first(mongo: EmbeddedMongod, app_id: str) -> None:
    first, second = (orders(mongo, app_id) for _ in range(2))
    for number in range(ROUNDS):
        ids = [f"{number}-{key}" for key in range(KEYS)]
        await asyncio.gather(
            save_newest(first, [{"_id": it, "version": 1} for it in ids]),
            save_newest(second, [{"_id": it, "version": 4} for it in ids]),
        )
    assert await first.count_documents({"version": 4}) == ROUNDS * KEYS


def orders(server: EmbeddedMongod, name: str) -> Collection:
    return database(server.url, name)["orders"]
