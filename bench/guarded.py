"""What the edge costs a real call: CPU of a worker a request with credentials, roles, limits and headers, and without.

    .venv/bin/python -m bench.guarded

Three workers, two of them without their edge (`bench/unguarded_app.py`), are asked in turn for an order, for a
product's stock, and to take an order, at 64 connections, by the same requests. What the second costs of the first is
the noise.
`bench/edge.py` does the same with a page that does nothing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

import jwt
from rich.console import Console
from rich.table import Table

from app.adapters import mongo
from app.adapters.api_keys import ApiKeys
from app.security.caller import Role
from app.security.keys import new_key
from app.security.limits import Limit
from bench.figures import spread
from bench.house import House, System, open_house
from bench.processes import Usage
from bench.web import KINDS, ask, shipped_at, stocked

ROUNDS: Final = 8
SECONDS: Final = 2.0
FAR: Final = Limit(1_000_000, 2_000_000)
DEMO: Final = {"x-api-key": "demo"}
SECRET: Final = "a secret of the bench, of thirty-two bytes or more"
ROLES: Final = (Role.SUPPORT, Role.CUSTOMER)


@contextmanager
def asked(house: House, module: str) -> Iterator[System]:
    """A stocked system whose worker is this module's app."""
    with stocked(house, module, {"JWT_SECRET": SECRET}) as (system, _):
        yield system


def cost_us(system: System, kind: str, headers: Mapping[str, str]) -> float:
    """CPU microseconds of the worker a request; of an order that is taken, until it is shipped."""
    before = Usage.now(system.pids())
    given = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    told = ask(system, kind, "--seconds", str(SECONDS), *given)
    if any(not status.startswith("2") for status in told["statuses"]):
        raise RuntimeError(f"not every {kind} was answered: {told['statuses']}")
    shipped_at(system, set(told["taken"]))
    used = Usage.now(system.pids()).since(before)
    return used.by_name["worker 1"] / sum(told["statuses"].values()) * 1e6


async def made_key(system: System) -> str:
    """A key with a limit, as `keys add` makes it."""
    presented, key = new_key("bench", frozenset(ROLES), FAR, datetime.now(UTC), None)
    await ApiKeys(mongo.database(system.house.mongod.url, system.name)).add(key)
    return presented


def callers(key: str) -> dict[str, dict[str, str]]:
    """Who asks, by the headers that say so."""
    claims = {"sub": "user-1", "roles": [it.value for it in ROLES], "exp": time.time() + 3600}
    token = jwt.encode(claims, SECRET, "HS256")
    limited = {"x-api-key": key}
    return {
        "the demo key": DEMO,
        "a key with a limit, and a token": {**limited, "Authorization": f"Bearer {token}"},
    }


def main() -> None:
    """Print a table."""
    measured: dict[tuple[str, str, str], list[float]] = {}
    unguarded = "bench.unguarded_app"
    with (
        open_house() as house,
        asked(house, unguarded) as bare,
        asked(house, unguarded) as other,
        asked(house, "app.main") as guarded,
    ):
        whole = callers(asyncio.run(made_key(guarded)))
        edges = {"off": bare, "off, another worker": other, "on": guarded}
        arms = [(name, told, system) for name in whole for told, system in edges.items()]
        for number in range(ROUNDS + 1):  # the first one warms up
            for kind in KINDS:
                for name, told, system in arms[:: (-1) ** number]:  # who comes first is warmest
                    measured.setdefault((kind, name, told), []).append(cost_us(system, kind, whole[name]))
    table = Table("call", "credentials", "edge", "worker µs", "low-high", "of off", "low-high")
    for kind in KINDS:
        for name, told, _ in arms:
            runs, off = measured[kind, name, told][1:], measured[kind, name, "off"][1:]
            cost, of_off = spread(runs), spread([on / without for on, without in zip(runs, off, strict=True)])
            ratio = (f"{of_off.median:.2f}", f"{of_off.low:.2f}-{of_off.high:.2f}")
            table.add_row(kind, name, told, f"{cost.median:.0f}", f"{cost.low:.0f}-{cost.high:.0f}", *ratio)
    Console(highlight=False, width=120).print(table)


if __name__ == "__main__":
    main()
