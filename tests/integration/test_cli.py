"""The commands against a real worker: what they print, what they leave behind, and how they end."""

import json
import os
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from worker_process import WorkerFactory

from app.embedded.workers import faust_command

Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def run(worker_factory: WorkerFactory) -> Run:
    """Runs a command with --json against a worker of its own; gives the exit code and what was printed."""
    url = worker_factory().url
    environment = {name: value for name, value in os.environ.items() if name not in ("KAFKA_URL", "MONGO_URL")}

    def command(*words: str) -> tuple[int, Any]:
        ended = subprocess.run(
            faust_command(*words, "--json", "--url", url),
            capture_output=True,
            text=True,
            env=environment,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in ended.stderr
        return ended.returncode, json.loads(ended.stdout) if ended.stdout else ended.stderr

    return command


def test_one_order_by_hand(run: Run) -> None:
    code, made = run("stock", "set", "789", "10", "--price", "1999", "--currency", "USD", "--name", "Kettle")
    assert (code, made["onHand"], made["price"], made["name"]) == (0, 10, 1999, "Kettle")
    assert run("stock", "adjust", "789", "-4")[1]["onHand"] == 6

    code, order = run("place", "--item", "789:2", "--id", "o-1", "--user", "ada")
    assert (code, order["status"], order["total"]) == (0, "SHIPPED", 3998)
    code, order = run("place", "--item", "789:5", "--id", "o-2")
    assert (code, order["status"], order["reason"]) == (1, "REJECTED", "OUT_OF_STOCK")

    code, rows = run("inspect", "stock", "789")
    by_key = {it["key"]: it["row"] for it in rows}
    assert code == 0
    assert by_key["789"]["stock"]["on_hand"] == 4
    assert by_key["789/order/o-1"]["reservation"]["status"] == "COMMITTED"
    assert [it["key"] for it in run("inspect", "orders")[1]] == ["o-1", "o-2"]
    assert run("inspect", "payments", "o-1")[1][0]["row"]["payment"]["status"] == "CAPTURED"
    assert run("inspect", "shipments", "o-1")[1][0]["row"]["shipment"]["status"] == "BOOKED"
    code, complaint = run("inspect", "orders", "nobody")
    assert (code, complaint) == (1, "Error: No row of orders has the key nobody\n")

    code, waiting = run("place", "--item", "789", "--id", "o-3", "--payment-mode", "manual")
    assert (code, waiting["status"]) == (0, "AWAITING_PAYMENT")
    code, cancelled = run("cancel", "o-3", "--reason", "too late")
    assert (code, cancelled["status"], cancelled["reason"]) == (0, "CANCELLED", "too late")
    code, complaint = run("cancel", "o-1")
    assert code == 1
    assert complaint.startswith("Error: 409 ")


def test_a_load_on_the_demo_catalogue_leaves_nothing_held(run: Run) -> None:
    code, catalogue = run("seed")
    assert (code, len(catalogue)) == (0, 50)
    before = {it["productId"]: it["onHand"] for it in catalogue}

    code, told = run("load", "--orders", "120", "--rate", "60", "--cancel-share", "0.1", "--double-share", "0.1")
    assert code == 0
    assert (told["placed"], told["atRest"], told["errors"]) == (120, 120, {})
    assert told["shipped"] + told["cancelled"] == 120
    assert 0 < told["dueToAtRestMs"]["p50"] <= told["dueToAtRestMs"]["p99"]

    stock = {it["key"]: it["row"]["stock"] for it in run("inspect", "stock")[1]}
    assert set(stock) == set(before)
    assert {it["reserved"] for it in stock.values()} == {0}
    sold = sum(before[product] - it["on_hand"] for product, it in stock.items())
    assert sold >= told["shipped"]
    # Seeding again must not bring back what was sold.
    code, left = run("seed")
    assert (code, {it["productId"]: it["onHand"] for it in left}) == (
        0,
        {product: it["on_hand"] for product, it in stock.items()},
    )
    again = {it["key"]: it["row"]["stock"]["on_hand"] for it in run("inspect", "stock")[1]}
    assert sum(again.values()) == sum(before.values()) - sold
