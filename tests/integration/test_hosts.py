"""Workers on hosts of their own: they reach each other, and a host that is cut off comes back by itself."""

import asyncio
import http.client
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hosts import Host, hosts

from app.embedded.kafka import EmbeddedKafka
from app.embedded.mongod import EmbeddedMongod
from app.embedded.ports import free_port
from app.embedded.processes import Child
from app.embedded.workers import faust_command, make_worker
from bench.fleet import Fleet
from bench.standstill import story

CUT_S = 20.0
SESSION_S = 6.0
READY_TIMEOUT_S = 90.0


class Placed:
    """A worker on a host of its own."""

    def __init__(self, host: Host, number: int, home: Path, environment: dict[str, str]) -> None:
        self.host = host
        self._port = free_port()
        self.url = f"http://{host.address}:{self._port}"
        made = make_worker(number, self._port, home, environment | {"HOST": host.address, "CANONICAL_URL": self.url})
        child = made.child
        self.child = Child(host.command(child.command), log=child.log, mark=child.mark, env=child.env)

    def ready(self) -> bool:
        """Whether it says so."""
        with closing(http.client.HTTPConnection(self.host.address, self._port, timeout=3)) as connection:
            try:
                connection.request("GET", "/health/ready")
                return connection.getresponse().status == 200
            except OSError:
                return False

    async def until_ready(self) -> None:
        """Wait until it is; fails with its log when it takes too long.

        One that ends, since the group went on without it while it was sending, is begun again, as Kubernetes and
        compose do.
        """
        deadline_s = time.monotonic() + READY_TIMEOUT_S
        while not await asyncio.to_thread(self.ready):
            if not self.child.alive:
                self.child.start()
            assert time.monotonic() < deadline_s, self.child.log_tail(60)
            await asyncio.sleep(0.05)


@pytest.fixture
def environment(kafka: EmbeddedKafka, mongo: EmbeddedMongod, app_id: str) -> dict[str, str]:
    """What workers and commands are told."""
    return {
        **os.environ,
        "KAFKA_URL": kafka.url,
        "MONGO_URL": mongo.url,
        "APP_ID": app_id,
        "TOPIC_PREFIX": f"{app_id}.",
        "MONGO_DATABASE": app_id,
        "SESSION_TIMEOUT_S": f"{SESSION_S:.0f}",
        "APP_ENV": "development",  # on addresses that are not the loopback
    }


@pytest.fixture
def placed(
    kafka: EmbeddedKafka, mongo: EmbeddedMongod, environment: dict[str, str], tmp_path: Path
) -> Iterator[list[Placed]]:
    """Three workers, each on a host of its own, started."""
    with hosts(3, (kafka.port, mongo.port), tmp_path) as made:
        workers = [Placed(host, number, tmp_path, environment) for number, host in enumerate(made, start=1)]
        try:
            for worker in workers:
                worker.child.start()
            yield workers
        finally:
            for worker in workers:
                worker.child.kill()


async def test_a_host_that_is_cut_off_comes_back_by_itself_and_nothing_is_lost(
    placed: list[Placed], kafka: EmbeddedKafka, app_id: str, environment: dict[str, str]
) -> None:
    for worker in placed:
        await worker.until_ready()
    fleet = Fleet(placed, orders_per_s=10, reads_per_s=60)
    lost = placed[1]

    async def cut() -> None:
        fleet.known.remove(lost.url)
        lost.host.cut()
        await asyncio.sleep(CUT_S)
        waiting = (await story(kafka.bootstrap, f"{app_id}.")).unfinished
        assert len(waiting) < 20, "the others have not taken over what the lost one had"
        lost.host.heal()
        await lost.until_ready()
        fleet.known.append(lost.url)

    await fleet.serve(cut, 3.0, 4.0)
    told = await fleet.told(kafka.bootstrap, f"{app_id}.")
    assert fleet.customers.unanswered == []
    assert told.worst_ms <= (SESSION_S + 3) * 1000
    command = faust_command("audit")
    audit = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert audit.returncode == 0, audit.stdout + audit.stderr
