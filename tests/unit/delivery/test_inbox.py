"""The queue between the consumer's loop and an agent."""

import asyncio

from faust.types import TP
from hypothesis import given
from hypothesis import strategies as st
from records import fetched

from app.delivery.inbox import Batch, Inbox

ORDERS = TP("orders", 0)


def filled(*sizes: int) -> Inbox:
    inbox = Inbox(high=100, low=30)
    first = 0
    for size in sizes:
        inbox.put(Batch(ORDERS, 1, fetched(first, first + size - 1)))
        first += size
    return inbox


@given(st.lists(st.integers(1, 20), min_size=1, max_size=10), st.integers(1, 30))
def test_slices_hold_everything_once_in_order_and_none_is_too_large(sizes: list[int], limit: int) -> None:
    inbox = filled(*sizes)
    offsets: list[int] = []
    while inbox.size:
        batches = asyncio.run(inbox.take(limit))
        records = [record.offset for batch in batches for record in batch.records]
        assert 0 < len(records) <= limit
        offsets += records
    assert offsets == list(range(sum(sizes)))


async def test_take_waits_for_the_first_record() -> None:
    inbox = filled()
    taking = asyncio.ensure_future(inbox.take(10))
    await asyncio.sleep(0)
    assert not taking.done()
    inbox.put(Batch(ORDERS, 1, fetched(0, 0)))
    assert len((await taking)[0].records) == 1


async def test_clear_drops_what_is_queued_and_says_how_much() -> None:
    inbox = filled(3, 4)
    inbox.paused.add(ORDERS)
    assert inbox.clear() == 7
    assert (inbox.size, inbox.paused) == (0, set())


async def test_gather_waits_for_enough_and_not_for_ever() -> None:
    inbox = filled(5)
    await inbox.gather(enough=5, longest_s=60)
    started = asyncio.get_running_loop().time()
    await inbox.gather(enough=6, longest_s=0.05)
    assert asyncio.get_running_loop().time() - started >= 0.05
    assert inbox.size == 5
