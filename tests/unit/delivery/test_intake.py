"""What becomes of a fetch, by where it starts."""

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from records import fetched

from app.delivery.intake import Intake
from app.delivery.stats import Stats

ORDERS = TP("orders", 0)


def started(at: int) -> tuple[Intake, Stats]:
    stats = Stats()
    intake = Intake(stats)
    intake.begin({ORDERS: at})
    return intake, stats


def test_the_next_records_are_taken() -> None:
    intake, _ = started(5)
    assert intake.admit(ORDERS, fetched(5, 9)) == fetched(5, 9)
    assert intake.admit(ORDERS, fetched(10, 10)) == fetched(10, 10)


def test_what_was_taken_before_is_trimmed() -> None:
    intake, _ = started(5)
    assert intake.admit(ORDERS, fetched(3, 6)) == fetched(5, 6)
    assert intake.admit(ORDERS, fetched(3, 6)) == ()


def test_a_jump_is_read_again_and_only_believed_the_second_time() -> None:
    intake, stats = started(5)
    assert intake.admit(ORDERS, fetched(8, 9)) == 5
    assert intake.admit(ORDERS, fetched(8, 9)) == fetched(8, 9)
    assert (stats.gaps, stats.holes) == (1, 1)


def test_a_jump_that_closes_is_no_hole() -> None:
    intake, stats = started(5)
    assert intake.admit(ORDERS, fetched(8, 9)) == 5
    assert intake.admit(ORDERS, fetched(5, 9)) == fetched(5, 9)
    assert (stats.gaps, stats.holes) == (1, 0)


def test_nothing_is_taken_before_the_start_is_known() -> None:
    intake, stats = started(5)
    intake.stop()
    assert intake.admit(ORDERS, fetched(5, 9)) == 5
    assert stats.stale == 1


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=60))
def test_whatever_fetches_come_each_offset_is_taken_once_and_in_order(fetches: list[tuple[int, int]]) -> None:
    """A log without holes: fetches start anywhere, as after seeks, and what is to be read again is."""
    intake, _ = started(0)
    taken: list[int] = []
    for first, length in fetches:
        admitted = intake.admit(ORDERS, fetched(first, first + length))
        while isinstance(admitted, int):
            admitted = intake.admit(ORDERS, fetched(admitted, first + length))
        taken += [record.offset for record in admitted]
    assert taken == list(range(len(taken)))
