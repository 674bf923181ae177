"""The whole system under bad luck: a fixed set of seeds, as many new ones, and faults that must be found.

The new seeds begin at a number that differs from run to run; it is printed (`-rP` shows it), and a failure names its
own seed. `SIMULATOR_FIRST=17 python -m pytest tests/model/test_simulator.py` begins at 17.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.domain import saga
from tests.model.simulator.__main__ import retold
from tests.model.simulator.faults import FAULTS, Fault, no_release_when_undone
from tests.model.simulator.system import simulate
from tests.model.simulator.violation import Violation

ROOT = Path(__file__).parents[2]
AT_ONCE = 250
FIXED = range(0, 1_500, AT_ONCE)
FIRST = int(os.environ.get("SIMULATOR_FIRST") or time.time_ns() // 1_000_000)
NEW = range(0, 1_500, AT_ONCE)
FOUND_WITHIN = 3_000
"""Seeds. The rarest of the planted faults needs some 1,200 as this is written, most need less than 50."""


def run(first: int) -> set[str]:
    ends: set[str] = set()
    for seed in range(first, first + AT_ONCE):
        try:
            ends |= {state.value for state in simulate(seed)}
        except Violation:
            pytest.fail(retold(seed), pytrace=False)
    return ends


@pytest.mark.parametrize("first", FIXED)
def test_the_promises_hold_on_known_seeds(first: int) -> None:
    assert run(first) == {state.value for state in saga.ENDS}, "these seeds should lead to every end"


@pytest.mark.parametrize("nth", NEW)
def test_the_promises_hold_on_new_seeds(nth: int) -> None:
    print(f"new seeds from {FIRST} on")  # noqa: T201
    run(FIRST + nth)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_planted_fault_is_found(fault: Fault) -> None:
    with fault():
        for seed in range(FOUND_WITHIN):
            try:
                simulate(seed)
            except Violation:
                return
    pytest.fail(f"not found in {FOUND_WITHIN} seeds")


def test_a_seed_is_the_same_story_every_time() -> None:
    """Also in another process, where sets of strings have another order."""
    command = [sys.executable, "-m", "tests.model.simulator", "--seed", "7"]
    told = [
        subprocess.run(
            command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": nth}, capture_output=True, text=True, check=True
        ).stdout
        for nth in ("1", "2")
    ]
    assert told[0] == told[1]
    assert len(told[0].splitlines()) > 20


def test_a_failing_seed_tells_its_story_and_how_to_see_it_again() -> None:
    with no_release_when_undone():
        with pytest.raises(Violation) as caught:
            simulate(0)
        *story, why, again = retold(0).splitlines()
    order_id = caught.value.subject
    assert why == f"then: {caught.value}"
    assert again == "again: python -m tests.model.simulator --seed 0"
    assert any(f"order.place({order_id}) -> rows {order_id}; stock.reserve({order_id} " in line for line in story)
    others = {f"o{number}" for number in range(5)} - {order_id}
    assert not any(f"({other} " in line for line in story for other in others), "another order is another story"
