"""The numbers of the chaos report: who stood still for how long, and which fault that is put down to."""

from tests.chaos.faults import Done
from tests.chaos.pace import Pause, fault_of, longest, of_all, of_each

KILL, STOP = Done("kill", "1", 10, 10), Done("stop", "2", 20, 24)
PROGRESS = [(1.0, "a"), (2.0, "b"), (3.0, "a"), (9.0, "b"), (30.0, "a")]


def test_the_longest_pause_of_all_begins_with_the_load_and_ends_with_it() -> None:
    assert of_all(PROGRESS, 12) == Pause(3, 9)
    assert of_all(PROGRESS, 20) == Pause(9, 20)
    assert of_all([(-5.0, "a"), (6.0, "b")], 8) == Pause(0, 6)


def test_an_order_pauses_from_one_sign_of_progress_to_the_next() -> None:
    pauses = of_each(PROGRESS)
    assert sorted(pauses) == [Pause(1, 3, "a"), Pause(2, 9, "b"), Pause(3, 30, "a")]
    assert longest(pauses) == Pause(3, 30, "a")
    assert longest([]).seconds == 0


def test_a_pause_is_put_down_to_the_fault_that_was_the_last_in_most_of_it() -> None:
    faults = [KILL, STOP]
    assert fault_of(Pause(1, 9), faults) is None
    assert fault_of(Pause(5, 11), faults) == KILL
    assert fault_of(Pause(12, 19), faults) == KILL, "over, but what it did goes on"
    assert fault_of(Pause(18, 40), faults) == STOP
    assert fault_of(Pause(18, 40), []) is None
