"""How long orders stand still when a worker is killed, ends, joins or is started again: `python -m bench.failover`.

Three workers serve 20 orders and 180 reads a second; then one of them is killed (`kill`), killed and started again at
once (`restart`), told to end (`leave`), or a fourth joins (`join`). `--named` gives the workers names in the group. The
times are the log's own; the first line of the table is what a run without any of it shows.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable

from bench.fleet import Fleet
from bench.servers import Server, Servers

WORKERS = 3
BEFORE_S = 4.0
HEAD = """\
| event | longest standstill, s | over 1 s | reads answered | by projection | slowest read, s | repeated | resent |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def events(servers: Servers, fleet: Fleet) -> dict[str, Callable[[], Awaitable[None]]]:
    """What may be done to the workers, by its name."""

    def take_away() -> Server:
        victim = servers.workers[1]
        fleet.known.remove(victim.url)
        return victim

    async def nothing() -> None:
        pass

    async def kill() -> None:
        await asyncio.to_thread(take_away().child.kill)

    async def restart() -> None:
        victim = take_away()
        await asyncio.to_thread(victim.child.kill)
        victim.child.start()  # by this thread: a child lives no longer than the thread that started it

    async def leave() -> None:
        await asyncio.to_thread(take_away().child.stop, 10.0)

    async def join() -> None:
        made = servers.make()
        made.child.start()

    return {"nothing": nothing, "kill": kill, "restart": restart, "leave": leave, "join": join}


async def measure(event: str, after_s: float, named: bool, settings: dict[str, str]) -> str:
    """One run; its line of the table."""
    with Servers(**settings) as servers:
        for number in range(WORKERS):
            servers.add(**({"GROUP_INSTANCE_ID": f"orders-{number}"} if named else {}))
        fleet = Fleet(servers.workers)
        await fleet.serve(events(servers, fleet)[event], BEFORE_S, after_s)
        told = await fleet.told(servers.kafka.bootstrap)
        customers = fleet.customers
        reads = sum(customers.sources.values())
        slow = sum(it.waited_ms >= 1000 for it in told.longest)
        return (
            f"| {event}{', named' if named else ''} | {told.worst_ms / 1000:.1f} | {slow} of {len(told.longest)} "
            f"| {reads} of {reads + len(customers.unanswered)} | {customers.sources['projection']} "
            f"| {customers.longest_read_s:.1f} | {customers.asked_again} | {sum(customers.refused.values())} |"
        )


def main() -> None:
    """Read the options, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", nargs="*", default=["nothing", "kill", "restart", "leave", "join"])
    parser.add_argument("--named", action="store_true")
    parser.add_argument("--session-s", type=float, default=10.0)
    parser.add_argument("--heartbeat-s", type=float, default=0.5)
    chosen = parser.parse_args()
    settings = {"SESSION_TIMEOUT_S": str(chosen.session_s), "HEARTBEAT_INTERVAL_S": str(chosen.heartbeat_s)}
    print(f"session {chosen.session_s:g} s, heartbeat {chosen.heartbeat_s:g} s, {WORKERS} workers", flush=True)
    print(HEAD, flush=True)
    for event in chosen.events:
        print(asyncio.run(measure(event, chosen.session_s + 4, chosen.named, settings)), flush=True)


if __name__ == "__main__":
    main()
