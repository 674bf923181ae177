"""`cluster`: the workers, what each holds, how far it is behind, and what nobody holds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any, Final

from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.output import Cell, Column
from app.main import app

WORKERS: Final = (
    Column("Worker"),
    Column("Name"),
    Column("State"),
    Column("Up, s", number=True),
    Column("Generation", number=True),
    Column("Rebalances", number=True),
    Column("Partitions", number=True),
    Column("Rows", number=True),
    Column("Lag", number=True),
    Column("Recovery"),
)
PARTITIONS: Final = (Column("Topic"), Column("Worker"), Column("Partitions"), Column("Lag"))
TABLES: Final = (Column("Table"), Column("Worker"), Column("Partitions"), Column("Rows", number=True))


@app.command(*CONNECTION, base=HttpCommand)
async def cluster(self: HttpCommand) -> int:
    """Show the workers, what each of them holds, and how far it is.

    Any worker can be asked. Lag is the number of messages that are not finished. The exit code is 1 when a worker did
    not answer, or a partition has no owner.
    """
    async with self.api() as api:
        told = (await api.call("GET", "/cluster")).expect()
    if self.out.as_json:
        self.out.json(told)
    else:
        self.out.table("Workers", WORKERS, [worker_cells(it) for it in told["workers"]])
        self.out.table("Partitions", PARTITIONS, partition_cells(told["workers"]))
        self.out.table("Tables", TABLES, table_cells(told["workers"]))
    for url in told["silent"]:
        self.out.warn(f"The worker at {url} did not answer.")
    for it in told["unowned"]:
        self.out.warn(f"No worker holds {it['topic']} {numbers(it['partitions'])}.")
    return FAILED if told["silent"] or told["unowned"] else DONE


def worker_cells(worker: dict[str, Any]) -> tuple[Cell, ...]:
    """The line of one worker."""
    lags = [it["lag"] for it in worker["partitions"]]
    recovery = worker["recovery"]
    percent = 100 * recovery["read"] // recovery["end"] if recovery["end"] else 100
    return (
        worker["url"],
        worker["instanceId"],
        worker["state"],
        worker["upS"],
        worker["generation"],
        worker["rebalances"],
        len(worker["partitions"]),
        sum(it["rows"] for it in worker["tables"]),
        None if None in lags else sum(lags),
        f"{percent} % of {recovery['end']}" if recovery["running"] else "done",
    )


def partition_cells(workers: Sequence[dict[str, Any]]) -> list[tuple[Cell, ...]]:
    """A line for each topic and worker: its partitions, and the lag of those that have one."""
    held = sorted(
        ((it["topic"], worker["url"], it["partition"], it["lag"]) for worker in workers for it in worker["partitions"]),
        key=lambda it: it[:3],
    )
    lines: list[tuple[Cell, ...]] = []
    for (topic, url), group in groupby(held, key=lambda it: it[:2]):
        found = list(group)
        behind = [f"{number}: {'?' if lag is None else lag}" for _, _, number, lag in found if lag != 0]
        lines.append((topic, url, numbers(number for _, _, number, _ in found), ", ".join(behind) or "0"))
    return lines


def table_cells(workers: Sequence[dict[str, Any]]) -> list[tuple[Cell, ...]]:
    """A line for each table and worker that has partitions of it."""
    return sorted(
        (it["name"], worker["url"], numbers(it["partitions"]), it["rows"])
        for worker in workers
        for it in worker["tables"]
        if it["partitions"]
    )


def numbers(given: Iterable[int]) -> str:
    """Numbers in order, runs of them as `0-3`."""
    runs: list[list[int]] = []
    for number in sorted(given):
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
