"""A real Prometheus scrapes two workers by the rules that are shipped, and tells what is wrong with them."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from shop import Shop
from worker_process import WorkerFactory, WorkerProcess

from app.embedded.kafka import EmbeddedKafka, KafkaSoftware
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.processes import Child

HERE = Path(__file__).parent
RULES = HERE.parents[1] / "deploy" / "prometheus" / "rules.yml"
TIMES_AS_FAST = 10
DEADLINE_S = 60.0

pytestmark = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs a prometheus, such as Debian's")


def faster(rules: str) -> str:
    """The same rules, in a world where minutes are seconds: nobody wants to wait for ten of them."""

    def shorter(found: re.Match[str]) -> str:
        ms = int(found[2]) * {"s": 1_000, "m": 60_000, "h": 3_600_000}[found[3]] // TIMES_AS_FAST
        return f"{found[1]}{ms}ms"

    return re.sub(r"(for: |\[)(\d+)([smh])\b", shorter, rules)


@pytest.fixture
def broker(kafka_software: KafkaSoftware, tmp_path: Path) -> Iterator[EmbeddedKafka]:
    """A broker that may be taken away."""
    with EmbeddedKafka(tmp_path / "broker", kafka_software) as made:
        yield made


@pytest.fixture
def workers(worker_factory: WorkerFactory, broker: EmbeddedKafka, tmp_path: Path) -> list[WorkerProcess]:
    told = {"KAFKA_URL": broker.url, "MENDED": str(tmp_path / "mended")}
    return [worker_factory("faulty_app", path=HERE, environment=told) for _ in range(2)]


class Prometheus:
    """What it says, at `url`."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def ask(self, path: str) -> Any:
        async with aiohttp.ClientSession() as session, session.get(f"{self._url}/api/v1/{path}") as answer:
            return (await answer.json())["data"]

    async def firing(self) -> set[str]:
        return {it["labels"]["alertname"] for it in (await self.ask("alerts"))["alerts"] if it["state"] == "firing"}

    async def until_firing(self, alert: str) -> None:
        async with asyncio.timeout(DEADLINE_S):
            while alert not in await self.firing():
                await asyncio.sleep(0.2)


@pytest.fixture
async def prometheus(workers: list[WorkerProcess], tmp_path: Path) -> AsyncIterator[Prometheus]:
    (tmp_path / "rules.yml").write_text(faster(RULES.read_text()))
    targets = ", ".join(f"'127.0.0.1:{worker.port}'" for worker in workers)
    config = tmp_path / "prometheus.yml"
    config.write_text(
        "global: { scrape_interval: 500ms, evaluation_interval: 500ms }\n"
        f"rule_files: [{tmp_path / 'rules.yml'}]\n"
        f"scrape_configs: [{{ job_name: worker, static_configs: [{{ targets: [{targets}] }}] }}]\n"
    )
    port = free_port()
    command = (
        *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"),
        f"--web.listen-address=127.0.0.1:{port}",
    )
    child = Child(command, log=tmp_path / "prometheus.log", mark=str(config))
    child.start()
    try:
        made = Prometheus(f"http://127.0.0.1:{port}")
        async with asyncio.timeout(DEADLINE_S):
            while True:
                try:
                    up = [it["health"] for it in (await made.ask("targets"))["activeTargets"]]
                except aiohttp.ClientError:
                    assert child.alive, child.log_tail(30)
                else:
                    if up == ["up", "up"]:
                        break
                await asyncio.sleep(0.1)
        yield made
    finally:
        child.kill()


def test_the_rules_are_rules() -> None:
    done = subprocess.run(("promtool", "check", "rules", str(RULES)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


async def test_three_causes_are_told_apart(
    prometheus: Prometheus, workers: list[WorkerProcess], broker: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str
) -> None:
    groups = (await prometheus.ask("rules"))["groups"]
    assert {rule["health"] for group in groups for rule in group["rules"]} <= {"ok", "unknown"}
    async with asyncio.timeout(DEADLINE_S):
        while await prometheus.firing():  # nothing is known of the workers before the first scrape
            await asyncio.sleep(0.2)
    async with Shop([worker.url for worker in workers], mongo.url, app_id) as shop:
        await shop.supply("tea", 1_000)
        for number in range(20):
            await shop.place(f"o{number}", {"tea": 1}, payment={"method": "declined"})
        declining = asyncio.create_task(prometheus.until_firing("GatewayDeclinesAll"))
        number = 20
        while not declining.done():
            await shop.place(f"o{number}", {"tea": 1}, payment={"method": "declined"})
            number += 1
            await asyncio.sleep(0.1)
        await declining
        assert "MessagesFailed" not in await prometheus.firing()

        bad = {"orderId": "bad", "userId": "unlucky", "items": [{"productId": "tea", "quantity": 1}]}
        assert (await shop.once("POST", "/v1/orders", json=bad))[0] == 503
        await prometheus.until_firing("MessagesFailed")
        await prometheus.until_firing("KeysBlocked")
        assert "KafkaAway" not in await prometheus.firing()

        broker.kill()
        await prometheus.until_firing("KafkaAway")
        broker.start()
        async with asyncio.timeout(DEADLINE_S):
            while "KafkaAway" in await prometheus.firing():
                await asyncio.sleep(0.2)
