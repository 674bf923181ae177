"""Messages that workers fail on, on a real Kafka: looked at, repaired, replayed in order, dropped."""

import asyncio
from pathlib import Path

from dead_letters import Command, Dlq, Stranger, cancelled, placed
from shop import Shop
from worker_process import WorkerFactory

from app.embedded.mongod import EmbeddedMongod
from schemas.values import Mode

HERE = Path(__file__).parent


async def test_what_failed_is_repaired_and_replayed_and_what_waits_behind_it_follows_in_order(
    worker_factory: WorkerFactory,
    mongo: EmbeddedMongod,
    app_id: str,
    tmp_path: Path,
    dlq: Dlq,
    audit: Command,
    stranger: Stranger,
) -> None:
    worker = worker_factory("faulty_app", path=HERE, environment={"MENDED": str(tmp_path / "mended")})
    async with Shop([worker.url], mongo.url, app_id) as shop:
        await shop.supply("789", 10)
        stranger.send("orders", placed("o1", "unlucky", Mode.MANUAL), cancelled("o1", "first"), placed("o2", "ada"))
        head, behind = dlq.wait_for(2)
        assert (head["kind"], head["attempts"], head["error"]) == ("failed", 3, "KeyError: 'luck'")
        assert (behind["kind"], behind["attempts"]) == ("waiting", 0)
        stranger.send("orders", placed("o3", "ada"))
        await until_placed(shop, "o2", "o3")
        orders = await shop.all_at_rest(["o2", "o3"])
        assert [order["status"] for order in orders] == ["SHIPPED", "SHIPPED"]

        worker.kill()
        worker.restart()
        stranger.send("orders", cancelled("o1", "second"))
        assert [it["kind"] for it in dlq.wait_for(3)] == ["failed", "waiting", "waiting"]

        code, complaint = dlq("replay", behind["letter"], "--reason", "hurry", "--yes")
        assert (code, f"{behind['letter']} waits for {head['letter']}" in complaint) == (1, True)
        code, told = dlq("replay", "--key", "o1", "--reason", "try again", "--yes")
        assert code == 1
        assert [it["outcome"].split(":")[0] for it in told] == ["failed again", "left", "left"]

        repaired = tmp_path / "repaired.json"
        repaired.write_bytes(placed("o1", "lucky", Mode.MANUAL)[1])
        code, told = dlq(
            "replay", head["letter"], "--value", str(repaired), "--reason", "no such user", "--by", "ada", "--yes"
        )
        assert (code, told[0]["outcome"]) == (0, "went through")
        code, told = dlq("replay", "--key", "o1", "--reason", "goes on", "--yes")
        # The first cancel turns the order back; the second finds it turned back, and changes nothing. Behind them
        # wait the answers to what the order, once placed, had asked for.
        assert (code, {it["outcome"] for it in told}) == (0, {"went through"})
        assert told[0]["letter"] == behind["letter"]
        order = await shop.at_rest("o1")
        assert (order["status"], order["reason"]) == ("CANCELLED", "first")
        await shop.assert_sums_hold([order, *orders])

        assert dlq("list") == (0, [])
        code, report = audit()
        assert (code, report["differences"], report["notJudged"]) == (0, [], [])
        assert report["orders"] == 3
        (kept,) = dlq("show", head["letter"])[1]
        assert [(it["action"], it["by"], it["reason"]) for it in kept["handled"]][1:] == [
            ("replay", "ada", "no such user")
        ]
        assert kept["handled"][1]["sentInstead"]["json"]["user_id"] == "lucky"


async def until_placed(shop: Shop, *order_ids: str) -> None:
    """Wait until the owner has these orders, which others than our own client have sent."""
    async with asyncio.timeout(30):
        while [(await shop.call("GET", f"/v1/orders/{it}"))[0] for it in order_ids] != [200] * len(order_ids):
            await asyncio.sleep(0.05)


def test_what_is_dropped_frees_its_key_and_a_mended_worker_takes_the_rest(
    worker_factory: WorkerFactory, tmp_path: Path, dlq: Dlq, stranger: Stranger
) -> None:
    mended = tmp_path / "mended"
    worker_factory("faulty_app", path=HERE, environment={"MENDED": str(mended)})
    stranger.send("orders", placed("o1", "unlucky"), placed("o1", "ada"), cancelled("o1", "changed my mind"))
    first, second, third = (it["letter"] for it in dlq.wait_for(3))
    assert dlq("drop", first, second, "--reason", "no order", "--yes")[0] == 0
    code, told = dlq("replay", third, "--reason", "see what it says", "--yes")
    assert (code, told[0]["outcome"].split(":")[0]) == (1, "refused again")

    stranger.send("orders", placed("o1", "unlucky"))
    dlq.wait_for(1, "--kind", "failed", "--key", "o1")
    mended.touch()
    code, told = dlq("replay", "--key", "o1", "--kind", "failed", "--reason", "mended", "--yes")
    assert (code, [it["outcome"] for it in told]) == (0, ["went through"])
