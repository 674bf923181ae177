"""Several workers count one key's requests together, and each by itself while the store is away."""

import asyncio

import pytest

from app.security import quotas
from app.security.known_keys import StoreAway
from app.security.limits import Bucket, Grant, Limit
from app.security.quotas import AWAY_S, Quotas

LIMIT = Limit(50, 50)


class Shared:
    """The store: one bucket a key, on the test's clock."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.away = False
        self.asked = 0
        self._buckets: dict[str, Bucket] = {}

    async def grant(self, key_id: str, limit: Limit, wanted: int) -> Grant:
        self.asked += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreAway
        bucket = self._buckets.setdefault(key_id, Bucket.full(limit, self.now_s))
        bucket.fill(self.now_s)
        taken = min(wanted, int(bucket.tokens))
        bucket.tokens -= taken
        return Grant(taken, bucket.tokens)

    def worker(self) -> Quotas:
        return Quotas(self.grant, lambda: self.now_s)


@pytest.fixture
def shared() -> Shared:
    return Shared()


async def passed(workers: list[Quotas], shared: Shared, rate_per_s: int, seconds: float, key: str = "k") -> int:
    """How many of so many requests a second to each worker pass."""
    count = 0
    for _ in range(int(rate_per_s * seconds)):
        shared.now_s += 1 / rate_per_s
        for worker in workers:
            count += (await worker.take(key, LIMIT)).passed
            await asyncio.sleep(0)
    return count


async def test_two_workers_let_through_what_one_may(shared: Shared) -> None:
    workers = [shared.worker(), shared.worker()]
    await passed(workers, shared, 200, 2.0)  # the burst
    a_second = await passed(workers, shared, 200, 5.0) / 5
    assert 45 <= a_second <= 51
    assert shared.asked / 7 < 120, "the store is asked a few times a lease, not at every request"


async def test_a_burst_at_once_passes_whole_and_no_more(shared: Shared) -> None:
    workers = [shared.worker(), shared.worker()]
    turns = await asyncio.gather(*(workers[n % 2].take("k", LIMIT) for n in range(120)))
    assert sum(turn.passed for turn in turns) in (49, 50)
    refused = [turn for turn in turns if not turn.passed]
    assert all(0 < turn.wait_s <= 0.1 for turn in refused)


async def test_keys_do_not_share_a_limit(shared: Shared) -> None:
    worker = shared.worker()
    await passed([worker], shared, 200, 3.0)
    assert (await worker.take("other", LIMIT)).passed


async def test_a_limit_that_was_changed_counts_at_once(shared: Shared) -> None:
    worker = shared.worker()
    await passed([worker], shared, 200, 3.0)
    assert not (await worker.take("k", LIMIT)).passed
    shared._buckets.clear()
    assert (await worker.take("k", Limit(100, 200))).passed


async def test_while_the_store_is_away_each_counts_for_itself_and_says_so(
    shared: Shared, caplog: pytest.LogCaptureFixture
) -> None:
    workers = [shared.worker(), shared.worker()]
    await passed(workers, shared, 200, 2.0)
    shared.away = True
    count = await passed(workers, shared, 200, 4.0)
    assert not any(worker.is_shared for worker in workers)
    assert 2 * 4 * 45 <= count <= 2 * (50 + 4 * 50) + 20
    assert shared.asked < 2000
    assert "counts for itself" in caplog.text
    shared.away = False
    shared.now_s += AWAY_S
    await passed(workers, shared, 200, 2.0)
    assert all(worker.is_shared for worker in workers)
    assert 45 <= await passed(workers, shared, 200, 5.0) / 5 <= 51


async def test_a_store_that_hangs_holds_nobody_up_for_long(shared: Shared, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "PATIENCE_S", 0.02)

    async def hangs(*_: object) -> Grant:
        await asyncio.Event().wait()
        raise AssertionError

    worker = Quotas(hangs)
    async with asyncio.timeout(1):
        turns = await asyncio.gather(*(worker.take("k", LIMIT) for _ in range(10)))
        while worker.is_shared:
            await asyncio.sleep(0.001)
    assert all(turn.passed for turn in turns)
