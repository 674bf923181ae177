"""What a load run reports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.load_report import Tally, lines, percentile, summary


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([], 0.5, None),
        ([7.0], 0.5, 7.0),
        ([1.0, 2.0], 0.5, 1.0),
        ([float(n) for n in range(1, 101)], 0.95, 95.0),
        ([float(n) for n in range(1, 101)], 0.99, 99.0),
        ([1.0, 2.0, 3.0], 1.0, 3.0),
    ],
)
def test_percentiles_by_the_nearest_rank(values: list[float], share: float, expected: float | None) -> None:
    assert percentile(values, share) == expected


@given(st.lists(st.floats(0, 100), min_size=1).map(sorted), st.sampled_from([0.5, 0.95, 0.99, 1.0]))
def test_a_percentile_is_the_least_value_that_so_many_do_not_exceed(values: list[float], share: float) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values)
    assert sum(value < found for value in values) < share * len(values)


def tally() -> Tally:
    made = Tally(planned=4, placed=4, retries=3, lasted_s=2.0, rest_s=[0.3, 0.1, 0.2], placed_s=[0.01], late_s=[0.0])
    made.ends.update(["SHIPPED", "SHIPPED", "REJECTED"])
    made.reasons["OUT_OF_STOCK"] += 1
    return made


def test_a_run_is_good_when_every_order_is_at_rest_and_nothing_broke_the_contract() -> None:
    unfinished, finished, broken = tally(), tally(), tally()
    for made in (finished, broken):
        made.ends["CANCELLED"] += 1
    broken.errors["place: 500"] += 1
    assert [made.good for made in (unfinished, finished, broken)] == [False, True, False]


def test_the_report_for_machines() -> None:
    made = tally()
    made.unsettled.append("load-1-3")
    told = summary(made)
    assert (told["shipped"], told["rejected"], told["cancelled"]) == (2, {"OUT_OF_STOCK": 1}, 0)
    assert (told["atRest"], told["notAtRest"], told["perSecond"]) == (3, ["load-1-3"], 1.5)
    assert told["dueToAtRestMs"] == {"p50": 200.0, "p95": 300.0, "p99": 300.0, "max": 300.0}


def test_the_report_for_people_names_what_went_wrong() -> None:
    made = tally()
    made.errors["place: 422 no"] += 2
    told = dict(lines(made))
    assert told["rejected: OUT_OF_STOCK"] == 1
    assert told["error: place: 422 no"] == 2
    assert told["due to at rest, ms"] == "p50 200.0  p95 300.0  p99 300.0  max 300.0"


def test_a_run_in_which_nothing_came_to_rest_has_no_times() -> None:
    told = summary(Tally(planned=1))
    assert told["perSecond"] == 0.0
    assert told["dueToAtRestMs"]["p50"] is None
