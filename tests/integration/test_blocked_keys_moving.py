"""Keys that are blocked while their partitions go from worker to worker: by kill -9, by joins, amid their replay."""

import asyncio
import threading
from pathlib import Path
from typing import Any

from dead_letters import Dlq, Stranger, cancelled, placed
from shop import Shop
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.mongod import EmbeddedMongod
from schemas.values import Mode

HERE = Path(__file__).parent
KEYS = [f"bad-{number}" for number in range(12)]
DLQ_BEGINS_S = 3.0
"""About when a command that was started has sent its first messages."""
SESSION = {"SESSION_TIMEOUT_S": "6", "HEARTBEAT_INTERVAL_S": "1"}


def test_blocked_keys_keep_their_order_wherever_their_partitions_go(
    worker_factory: WorkerFactory,
    mongo: EmbeddedMongod,
    app_id: str,
    tmp_path: Path,
    dlq: Dlq,
    stranger: Stranger,
) -> None:
    mended = tmp_path / "mended"
    one, two = (
        worker_factory("faulty_app", path=HERE, environment={"MENDED": str(mended), **SESSION}, wait=False)
        for _ in range(2)
    )
    one.wait_ready()
    two.wait_ready()
    asyncio.run(supply(one, mongo, app_id))
    stranger.send("orders", *(placed(key, "unlucky", Mode.MANUAL) for key in KEYS))
    for count, fault in ((2, one.kill), (3, one.restart)):
        stranger.send("orders", *(cancelled(key, f"cancel {count - 1}") for key in KEYS))
        fault()  # some of these messages are decided before it, some after
        letters = dlq.wait_for(len(KEYS) * count)
        assert [it["kind"] for it in letters].count("failed") == len(KEYS)

    mended.touch()
    death = threading.Timer(DLQ_BEGINS_S, two.kill)
    death.start()
    replay_all(dlq)
    death.join()
    ended = asyncio.run(rested(one, mongo, app_id, dlq))
    assert {(it["status"], it["reason"]) for it in ended} == {("CANCELLED", "cancel 1")}


def replay_all(dlq: Dlq) -> None:
    """Replay what there is, until nothing is left: answers come to wait while the messages before them go through."""
    while dlq("list")[1]:
        dlq("replay", "--topic", "orders", "--reason", "mended", "--yes")


async def supply(worker: WorkerProcess, mongo: EmbeddedMongod, app_id: str) -> None:
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", len(KEYS))


async def rested(worker: WorkerProcess, mongo: EmbeddedMongod, app_id: str, dlq: Dlq) -> list[dict[str, Any]]:
    """All orders at rest, and the stock they held given back. What still comes to wait is replayed."""
    async with Shop([worker.url], mongo.url, app_id) as shop:
        shop.supplied["789"] = len(KEYS)
        resting = asyncio.create_task(shop.all_at_rest(KEYS))
        while not resting.done():
            await asyncio.to_thread(replay_all, dlq)
            await asyncio.wait({resting}, timeout=1)
        ended = resting.result()
        await shop.assert_sums_hold(ended)
        return ended
