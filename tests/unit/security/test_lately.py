"""What is remembered for a moment, and no longer."""

from app.security.lately import MOMENT_S, Lately
from tests.unit.clock import Clock


def test_what_was_noted_is_known_within_the_moment_and_forgotten_with_it() -> None:
    clock = Clock(100.0)
    lately = Lately[int](clock)
    assert lately.get("a") is None
    lately.note("a", 1)
    clock.now_s += 0.8 * MOMENT_S
    lately.note("b", 2)
    assert (lately.get("a"), lately.get("b")) == (1, 2)
    clock.now_s += 0.2 * MOMENT_S
    assert (lately.get("a"), lately.get("b")) == (None, None)


def test_a_new_moment_begins_with_nothing() -> None:
    clock = Clock(100.0)
    lately = Lately[int](clock)
    lately.note("a", 1)
    clock.now_s += MOMENT_S
    lately.note("b", 2)
    assert (lately.get("a"), lately.get("b")) == (None, 2)
