"""Blocked keys under any interleaving of messages, slices, acknowledgements, crashes, replays and drops."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.cli import letters as mail
from app.cli.letters import Name
from app.delivery import draft
from schemas.dead_letters import Action
from tests.unit.delivery.blocked_partition import World, repaired

STEPS = (
    *("message",) * 5,
    *("slice",) * 5,
    *("acknowledge",) * 4,
    *("acknowledge_all",) * 2,
    *("commit",) * 2,
    *("replay_key",) * 3,
    *("crash", "replay", "drop", "zombie", "compact"),
)


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Thousands of decisions fail here, as they should; each would be logged."""
    logger = logging.getLogger("app.delivery.blocking")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@settings(max_examples=400, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 255)), min_size=40, max_size=90))
def test_order_is_kept_others_pass_and_nothing_is_lost(steps: Sequence[tuple[str, int]]) -> None:
    world = World()
    for step, n in steps:
        getattr(world, step)(n)
        world.check()
    world.finish()


A_POISON, A_GOOD = 6, 0


def replay(world: World, offset: int) -> None:
    letter = world.letters()[Name("orders", 0, offset)]
    world.do(letter, Action.REPLAY, mail.replay(letter, repaired(letter)))


def drop(world: World, offset: int) -> None:
    world.drop_one(world.letters()[Name("orders", 0, offset)])


def new(world: World, kind: int = A_GOOD) -> None:
    world.message(kind)


ONE_SLICE: dict[str, tuple[Callable[[World], None], ...]] = {
    "in turn, and a new one": (lambda w: replay(w, 0), lambda w: replay(w, 1), lambda w: replay(w, 2), new),
    "out of turn, then the head": (lambda w: replay(w, 1), lambda w: replay(w, 0)),
    "all out of turn": (lambda w: replay(w, 2), lambda w: replay(w, 1), lambda w: replay(w, 0), new),
    "the head dropped": (lambda w: replay(w, 1), lambda w: drop(w, 0), lambda w: replay(w, 2)),
    "one that waits dropped": (lambda w: drop(w, 1), lambda w: replay(w, 0), new),
    "the next one is poison": (lambda w: replay(w, 0), lambda w: new(w, A_POISON), new),
}
"""What the operator does while one, the head, and two behind it wait; the worker then takes it as one slice."""


def cut_anywhere(steps: Sequence[Callable[[World], None]]) -> None:
    """Run the slice, have a crash keep each prefix of its changelog records, and let the operator go on after it."""
    cut = wanted = 0
    while cut <= wanted:
        world = World()
        for kind in (A_POISON, A_GOOD, A_GOOD):
            new(world, kind)
        world.settle()
        for step in steps:
            step(world)
        world.worker.take(world.log, 100)
        wanted = len(world.worker.under_way["changelog"])
        world.acknowledge_of("changelog", cut)
        world.acknowledge_of("out", 100)
        world.acknowledge_of("dead", 100)
        world.crash()
        world.settle()
        world.check()
        world.finish()
        cut += 1


@pytest.mark.parametrize("steps", ONE_SLICE)
def test_a_crash_between_any_two_records_of_a_slice_changes_nothing(steps: str) -> None:
    cut_anywhere(ONE_SLICE[steps])


def test_entries_written_head_first_would_lose_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then the head may be off its queue, and the one behind it taken for untried, before it is decided again."""
    monkeypatch.setattr(draft, "sorted", lambda entries, **_: sorted(entries), raising=False)
    with pytest.raises(AssertionError):
        cut_anywhere(ONE_SLICE["out of turn, then the head"])
