"""`python -m tests.model.simulator --seeds 1000`, or `--seed 17` to see one again with its story."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.model.simulator.story import Story
from tests.model.simulator.system import simulate
from tests.model.simulator.violation import Violation

PROGRESS_EVERY = 5_000


def main() -> int:
    """Returns 0 when every seed kept every promise."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.simulator", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one seed, and tell its whole story")
    parser.add_argument("--seeds", type=int, default=1_000, help="how many seeds to run (default 1000)")
    parser.add_argument("--first", type=int, default=0, help="the first of them (default 0)")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return told_once(chosen.seed)
    first, count = chosen.first, chosen.seeds
    started = time.monotonic()
    ends: Counter[str] = Counter()
    for seed in range(first, first + count):
        try:
            ends += Counter({state.value: times for state, times in simulate(seed).items()})
        except Violation:
            print(retold(seed))  # noqa: T201
            return 1
        done = seed + 1 - first
        if done % PROGRESS_EVERY == 0 and done < count:
            print(f"{done:,} of {count:,} seeds", file=sys.stderr, flush=True)  # noqa: T201
    took_s = time.monotonic() - started
    orders = ", ".join(f"{times:,} {state}" for state, times in sorted(ends.items()))
    print(f"{count:,} seeds from {first} on in {took_s:.0f} s, no promise broken. Orders: {orders}")  # noqa: T201
    return 0


def told_once(seed: int) -> int:
    """One seed, with its story: all of it, or what the broken promise is about. Returns 0 when none was broken."""
    story = Story()
    try:
        ends = simulate(seed, story)
    except Violation as violation:
        print(f"{story.of(violation.subject)}\nthen: {violation}")  # noqa: T201
        return 1
    orders = ", ".join(f"{times} {state}" for state, times in sorted(ends.items()))
    print(f"{story.of('')}\nthen: no promise is broken. Orders: {orders}")  # noqa: T201
    return 0


def retold(seed: int) -> str:
    """The same seed again, told."""
    story = Story()
    try:
        simulate(seed, story)
    except Violation as violation:
        again = f"python -m tests.model.simulator --seed {seed}"
        return f"{story.of(violation.subject)}\nthen: {violation}\nagain: {again}"
    return f"seed {seed} failed once and not again: the simulator is not deterministic"


if __name__ == "__main__":
    sys.exit(main())
