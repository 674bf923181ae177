"""The supervisor starts again what died: at once the first time, then ever more slowly."""

from itertools import pairwise

from app.embedded.errors import PartError
from app.embedded.supervisor import Supervisor
from tests.unit.clock import Clock


class FakePart:
    def __init__(self, *, startable: bool = True) -> None:
        self.alive = True
        self.exit_code: int | None = None
        self.starts = 0
        self.startable = startable

    def start(self) -> None:
        self.starts += 1
        if not self.startable:
            raise PartError("No room", "Make some")
        self.alive = True

    def die(self) -> None:
        self.alive = False
        self.exit_code = -9


def supervised(part: FakePart) -> tuple[Supervisor, Clock, list[str]]:
    clock, lines = Clock(), list[str]()
    supervisor = Supervisor(lines.append, clock)
    supervisor.keep("worker-1", part)
    return supervisor, clock, lines


def test_a_running_part_is_left_alone() -> None:
    part = FakePart()
    supervisor, _, lines = supervised(part)
    supervisor.look()
    assert part.starts == 0
    assert lines == []


def test_the_first_death_is_mended_at_once_and_told() -> None:
    part = FakePart()
    supervisor, _, lines = supervised(part)
    part.die()
    supervisor.look()
    assert part.alive
    assert lines == ["worker-1 died (signal 9): starting it again at once"]


def test_a_part_that_keeps_dying_is_started_ever_more_slowly() -> None:
    part = FakePart()
    supervisor, clock, _ = supervised(part)
    started_at_s = []
    for tenth in range(1200):
        clock.now_s = tenth / 10
        part.die()
        before = part.starts
        supervisor.look()
        if part.starts > before:
            started_at_s.append(clock.now_s)
    waits_s = [round(later - earlier) for earlier, later in pairwise(started_at_s)]
    assert started_at_s[0] == 0.0
    assert waits_s[:7] == [1, 2, 4, 8, 16, 30, 30]


def test_a_death_after_a_long_life_counts_as_the_first() -> None:
    part = FakePart()
    supervisor, clock, lines = supervised(part)
    part.die()
    supervisor.look()
    clock.now_s = 3600.0
    part.die()
    supervisor.look()
    assert part.starts == 2
    assert lines[-1].endswith("at once")


def test_a_start_that_fails_is_told_and_tried_again() -> None:
    part = FakePart(startable=False)
    supervisor, clock, lines = supervised(part)
    part.die()
    supervisor.look()
    assert lines[-1] == "worker-1 did not start again: No room. Next try in 1 s"

    part.startable = True
    clock.now_s = 0.9
    supervisor.look()
    assert not part.alive
    clock.now_s = 1.0
    supervisor.look()
    assert part.alive
