"""Workers that are killed, that leave and that come back: who reads does not notice, and no order waits for long."""

import asyncio
import time

from worker_process import WorkerFactory, WorkerProcess, wait_settled

from app.embedded.kafka import EmbeddedKafka
from bench.fleet import Fleet

SESSION_S = 6.0
SETTINGS = {"SESSION_TIMEOUT_S": f"{SESSION_S:.0f}"}
BEFORE_S = 3.0


async def test_when_one_of_three_is_killed_reads_go_on_and_orders_wait_for_its_session(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, app_id: str
) -> None:
    workers = [worker_factory(environment=SETTINGS) for _ in range(3)]
    wait_settled(workers)
    fleet = Fleet(workers)

    async def kill() -> None:
        fleet.known.remove(workers[1].url)
        await asyncio.to_thread(workers[1].kill)

    await fleet.serve(kill, BEFORE_S, SESSION_S + 5)
    told = await fleet.told(kafka.bootstrap, f"{app_id}.")
    assert fleet.customers.unanswered == []
    assert fleet.customers.asked_again < 0.05 * sum(fleet.customers.sources.values())
    assert fleet.customers.sources["projection"] > 0, "nobody read what the dead worker had owned"
    assert SESSION_S - 1.5 < told.worst_ms / 1000 <= SESSION_S + 3


async def test_when_one_of_three_is_told_to_end_no_order_waits_for_three_seconds(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, app_id: str
) -> None:
    workers = [worker_factory(environment=SETTINGS) for _ in range(3)]
    wait_settled(workers)
    fleet = Fleet(workers)

    async def end() -> None:
        fleet.known.remove(workers[1].url)
        await asyncio.to_thread(workers[1].term, 5.0)

    await fleet.serve(end, BEFORE_S, 5.0)
    told = await fleet.told(kafka.bootstrap, f"{app_id}.")
    assert fleet.customers.unanswered == []
    assert told.worst_ms <= 3000


def rebalances(worker: WorkerProcess) -> tuple[int, int]:
    """How often the worker's partitions moved, and in which generation of the group it is."""
    told = worker.ask("/cluster/worker")
    return told["rebalances"], told["generation"]


async def test_a_worker_with_a_name_that_is_killed_and_started_again_moves_no_partitions(
    worker_factory: WorkerFactory, kafka: EmbeddedKafka, app_id: str
) -> None:
    start_s = 60  # longer than a start on any machine: it is not the session that is waited for
    session = {"SESSION_TIMEOUT_S": str(start_s)}
    workers = [worker_factory(environment=session | {"GROUP_INSTANCE_ID": f"orders-{number}"}) for number in range(3)]
    wait_settled(workers)
    fleet = Fleet(workers, patience_s=start_s)
    before = [rebalances(worker) for worker in workers]

    took_s: list[float] = []

    async def kill_and_start() -> None:
        fleet.known.remove(workers[1].url)
        began_s = time.monotonic()
        await asyncio.to_thread(workers[1].kill)
        workers[1].start()
        await asyncio.to_thread(workers[1].wait_ready)
        took_s.append(time.monotonic() - began_s)

    await fleet.serve(kill_and_start, BEFORE_S, 3.0)
    told = await fleet.told(kafka.bootstrap, f"{app_id}.")
    assert [rebalances(worker) for worker in (workers[0], workers[2])] == [before[0], before[2]]
    assert rebalances(workers[1]) == (1, before[1][1])
    assert fleet.customers.unanswered == []
    # A second on a quiet machine; what counts is that orders wait for the start, and not for the session after it.
    assert took_s[0] - 1 < told.worst_ms / 1000 < took_s[0] + 1.5


async def test_of_two_workers_with_one_name_the_first_ends_loudly_and_the_second_is_known_by_its_own_address(
    worker_factory: WorkerFactory,
) -> None:
    first = worker_factory(environment={"GROUP_INSTANCE_ID": "orders-0"})
    second = worker_factory(environment={"GROUP_INSTANCE_ID": "orders-0"}, wait=False)
    assert await asyncio.to_thread(first.child.wait, 30.0) == 18
    assert "another process has joined the group as 'orders-0'" in first.log()
    await asyncio.to_thread(second.wait_ready)
    wait_settled([second])
    await asyncio.sleep(2.5)  # longer than two heartbeats: it was not thrown out in turn
    assert second.alive
    wait_settled([second])
