"""The watermark over ranges: nothing is committed before all below it is safe, and nothing safe is left behind."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from app.delivery.ranges import Range, Ranges

PARTITION = 3

#: Lengths of the slices, and in which order which of them become safe or are let go.
lengths = st.lists(st.integers(1, 50), min_size=1, max_size=20)


def opened(ranges: Ranges, sizes: list[int], start: int) -> list[Range]:
    ranges.begin({PARTITION: start})
    result, last = [], start - 1
    for size in sizes:
        last += size
        result.append(ranges.open(PARTITION, last))
    return result


@given(lengths, st.integers(0, 1000), st.randoms(use_true_random=False))
def test_applied_is_exactly_the_safe_prefix(sizes: list[int], start: int, random: Random) -> None:
    ranges = Ranges()
    all_ranges = opened(ranges, sizes, start)
    for index in random.sample(range(len(sizes)), len(sizes)):
        all_ranges[index].safe = True
        prefix = next((i for i, opened_range in enumerate(all_ranges) if not opened_range.safe), len(sizes))
        assert ranges.applied(PARTITION) == start + sum(sizes[:prefix])
        assert ranges.unsafe() == sum(not opened_range.safe for opened_range in all_ranges)


@given(lengths, st.data())
def test_released_waits_for_holds_and_never_passes_applied(sizes: list[int], data: st.DataObject) -> None:
    ranges = Ranges()
    all_ranges = opened(ranges, sizes, 0)
    steps = [(index, step) for index in range(len(sizes)) for step in ("hold", "safe", "let go")]
    before = 0
    for index, step in data.draw(st.permutations(steps)):
        if step == "safe":
            all_ranges[index].safe = True
        else:
            all_ranges[index].holds += 1 if step == "hold" else -1
        released, applied = ranges.released(PARTITION), ranges.applied(PARTITION)
        assert released is not None
        assert applied is not None
        assert before <= released <= applied
        before = released
    assert ranges.released(PARTITION) == sum(sizes)


def test_a_held_range_keeps_the_commit_and_not_the_reads() -> None:
    ranges = Ranges()
    first, second = opened(ranges, [10, 10], 0)
    first.holds += 1
    first.safe = second.safe = True
    assert ranges.applied(PARTITION) == 20
    assert ranges.released(PARTITION) == 0
    first.holds -= 1
    assert ranges.released(PARTITION) == 20


def test_a_new_generation_forgets_the_old_ranges() -> None:
    ranges = Ranges()
    (old,) = opened(ranges, [10], 0)
    ranges.begin({PARTITION: 5})
    old.safe = True
    assert ranges.released(PARTITION) == 5
    assert ranges.applied(0) is None
