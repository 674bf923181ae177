"""What `cluster` shows of the workers' answers."""

import asyncio
import subprocess
from typing import Any

import pytest
from aiohttp import web

from app.cli.cluster import numbers, partition_cells, table_cells, worker_cells
from app.embedded.workers import faust_command
from tests.unit.cli.stub_worker import stub_worker, told

PARTITIONS = [
    {"topic": "orders", "partition": 0, "next": 5, "end": 5, "lag": 0},
    {"topic": "orders", "partition": 1, "next": 5, "end": 9, "lag": 4},
    {"topic": "inventory", "partition": 1, "next": 5, "end": 6, "lag": 1},
]


def worker(**different: Any) -> dict[str, Any]:
    return {
        "url": "http://a",
        "state": "ok",
        "instanceId": "",
        "generation": 3,
        "rebalances": 2,
        "upS": 60,
        "partitions": PARTITIONS,
        "tables": [
            {"name": "orders", "partitions": [0, 1], "rows": 7},
            {"name": "payments", "partitions": [], "rows": 0},
        ],
        "recovery": {"running": False, "read": 10, "end": 10},
        **different,
    }


def test_a_line_a_worker() -> None:
    assert worker_cells(worker()) == ("http://a", "", "ok", 60, 3, 2, 3, 7, 5, "done")


def test_a_recovery_that_runs_is_told_in_percent() -> None:
    shown = worker_cells(worker(recovery={"running": True, "read": 30, "end": 40}))
    assert shown[-1] == "75 % of 40"
    assert worker_cells(worker(recovery={"running": True, "read": 0, "end": 0}))[-1] == "100 % of 0"


def test_a_lag_that_is_not_known_makes_no_sum() -> None:
    unknown = {**PARTITIONS[0], "end": None, "lag": None}
    assert worker_cells(worker(partitions=[unknown, PARTITIONS[1]]))[8] is None
    assert partition_cells([worker(partitions=[unknown, PARTITIONS[1]])])[0][3] == "0: ?, 1: 4"


def test_a_line_a_topic_and_worker_tells_where_the_lag_is() -> None:
    other = worker(url="http://b", partitions=[{**PARTITIONS[0], "partition": 2}])
    assert partition_cells([worker(), other]) == [
        ("inventory", "http://a", "1", "1: 1"),
        ("orders", "http://a", "0-1", "1: 4"),
        ("orders", "http://b", "2", "0"),
    ]


def test_tables_of_which_a_worker_has_nothing_are_left_out() -> None:
    assert table_cells([worker()]) == [("orders", "http://a", "0-1", 7)]


@pytest.mark.parametrize(
    ("given", "shown"), [([], ""), ([3], "3"), ([2, 0, 1], "0-2"), ([0, 2, 3, 5, 6, 7, 9], "0 2-3 5-7 9")]
)
def test_numbers_are_told_in_runs(given: list[int], shown: str) -> None:
    assert numbers(given) == shown


@pytest.mark.parametrize(
    ("silent", "unowned", "code"),
    [([], [], 0), (["http://b"], [], 1), ([], [{"topic": "orders", "partitions": [2, 3]}], 1)],
)
async def test_the_exit_code_tells_whether_all_is_held(
    silent: list[str], unowned: list[dict[str, Any]], code: int
) -> None:
    async def answer(request: web.Request, _body: Any) -> web.Response:
        assert request.path == "/cluster"
        return told({"workers": [worker()], "silent": silent, "unowned": unowned})

    async with stub_worker(answer) as url:
        command = faust_command("cluster", "--url", url)
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    assert "http://a" in ended.stdout
    assert ("http://b did not answer" in ended.stderr) == bool(silent)
    assert ("No worker holds orders 2-3" in ended.stderr) == bool(unowned)
