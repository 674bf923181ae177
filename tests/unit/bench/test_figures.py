"""The arithmetic of the measurements."""

import pytest

from bench.figures import Spread, due_times, latencies, percentile, percentiles, ratio, spread


def test_the_spread_of_several_runs() -> None:
    assert spread([3.0, 1.0, 2.0]) == Spread(median=2.0, low=1.0, high=3.0)
    assert spread([1.0, 2.0]).median == 1.5
    assert spread([4.0]) == Spread(4.0, 4.0, 4.0)
    assert Spread(2.0, 1.0, 3.0).relative == 0.5


def test_ratios_are_of_medians() -> None:
    assert ratio(spread([10.0, 30.0, 20.0]), spread([5.0])) == 4.0
    assert ratio(spread([10.0]), spread([0.0])) is None


@pytest.mark.parametrize(
    ("share", "expected"), [(50, 50.0), (95, 95.0), (99, 99.0), (99.9, 100.0), (100, 100.0), (0.1, 1.0)]
)
def test_a_percentile_is_one_of_the_values(share: float, expected: float) -> None:
    assert percentile([float(value) for value in range(100, 0, -1)], share) == expected


def test_percentiles_of_few_values_are_the_largest() -> None:
    assert percentiles([1.0, 2.0]) == {"p50": 1.0, "p95": 2.0, "p99": 2.0, "p99.9": 2.0}
    with pytest.raises(ValueError, match="no values"):
        percentile([], 50)


def test_an_open_load_does_not_wait_for_anybody() -> None:
    assert due_times(4, 1.0) == [0.0, 0.25, 0.5, 0.75]


def test_latency_counts_from_when_it_was_due() -> None:
    """The client stood still for a second: those that fell into it waited, though they were answered at once."""
    due = {"a": 0.0, "b": 0.5, "c": 1.0}
    ended = {"a": 1.0, "b": 1.001, "c": 1.002}
    assert latencies(due, ended) == pytest.approx([1.0, 0.501, 0.002])


def test_what_never_ended_is_not_left_out() -> None:
    with pytest.raises(ValueError, match="1 of 2 have not ended, such as b"):
        latencies({"a": 0.0, "b": 1.0}, {"a": 0.5})
