"""What `projection rebuild` says when it is done, and when it can't be done at all."""

from __future__ import annotations

import json

import pytest

from app.cli.output import Output
from app.cli.projection import show
from app.embedded.ports import free_port
from app.projection.rebuild import Rebuilt
from tests.unit.cli.test_command_line import typed

DONE = [Rebuilt("orders", 1_200, 40, 290, 300, "orders.before"), Rebuilt("inventory", 5, 0, 5, 5)]


def test_people_see_what_was_there_and_what_the_log_has_lost(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output(as_json=False), DONE)
    told, warned = capsys.readouterr()
    rows = [[cell.strip() for cell in line.split("│")] for line in told.splitlines()]
    assert ["orders", "1200", "290", "300", "orders.before"] in rows
    assert ["inventory", "5", "5", "5", ""] in rows
    assert warned == "40 facts were cut from the log of orders: what only they told is not shown.\n"


def test_machines_get_json(capsys: pytest.CaptureFixture[str]) -> None:
    show(Output(as_json=True), DONE)
    told = json.loads(capsys.readouterr().out)
    assert told[0] == {
        "collection": "orders",
        "facts": 1_200,
        "cut": 40,
        "before": 290,
        "after": 300,
        "kept": "orders.before",
    }
    assert [it["kept"] for it in told] == ["orders.before", None]


def test_what_is_missing_or_away_is_said_in_one_line() -> None:
    nowhere = f"127.0.0.1:{free_port()}"
    without = typed("projection", "rebuild")
    assert (without.returncode, without.stdout) == (2, "")
    assert "KAFKA_URL is not set" in without.stderr
    away = typed("projection", "rebuild", KAFKA_URL=f"kafka://{nowhere}", MONGO_URL=f"mongodb://{nowhere}")
    assert (away.returncode, away.stdout) == (1, "")
    assert away.stderr.splitlines()[-1].startswith("Error: MongoDB does not do it: ")
    assert "Traceback" not in away.stderr
