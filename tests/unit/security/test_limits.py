"""Limits hold over any course of time, for one bucket and for leases of one by several workers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.security.limits import LEASE_KEPT_S, Bucket, Grant, Lease, Limit

LIMITS = st.builds(Limit, st.floats(0.1, 1000), st.integers(1, 1000))


@given(LIMITS, st.lists(st.floats(0, 5), max_size=200))
def test_a_bucket_never_lets_more_through_than_its_limit(limit: Limit, pauses_s: list[float]) -> None:
    bucket, now_s, passed = Bucket.full(limit, 0.0), 0.0, 0
    for pause_s in pauses_s:
        now_s += pause_s
        passed += bucket.take(now_s)
    assert passed <= limit.burst + now_s * limit.rate_per_s + 1e-6


def test_an_empty_bucket_says_when_to_come_again() -> None:
    bucket = Bucket.full(Limit(2, 3), 0.0)
    assert [bucket.take(0.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.wait_s == 0.5
    assert not bucket.take(0.25)
    assert bucket.take(0.5)


@pytest.mark.parametrize(("limit", "window_s"), [(Limit(50, 100), 2), (Limit(50, 50), 1), (Limit(0.5, 3), 6)])
def test_the_window_is_what_it_takes_to_fill(limit: Limit, window_s: int) -> None:
    assert limit.window_s == window_s


class Shared:
    """The shared bucket, as its store keeps it."""

    def __init__(self, limit: Limit) -> None:
        self.bucket = Bucket.full(limit, 0.0)

    def grant(self, wanted: int, now_s: float) -> Grant:
        self.bucket.fill(now_s)
        taken = min(wanted, int(self.bucket.tokens))
        self.bucket.tokens -= taken
        return Grant(taken, self.bucket.tokens)


@given(LIMITS, st.lists(st.tuples(st.integers(0, 2), st.floats(0, 0.2)), max_size=300))
def test_leases_never_let_more_through_together(limit: Limit, asked: list[tuple[int, float]]) -> None:
    shared, leases, now_s, passed = Shared(limit), [Lease(limit) for _ in range(3)], 0.0, 0
    for worker, pause_s in asked:
        now_s += pause_s
        lease = leases[worker]
        if lease.wants(now_s):
            lease.add(shared.grant(limit.lease, now_s), limit.lease, now_s)
        passed += lease.take(now_s)
    assert passed <= limit.burst + now_s * limit.rate_per_s + 1e-6


def test_two_workers_pass_what_one_would() -> None:
    limit = Limit(50, 50)
    shared, leases, passed = Shared(limit), [Lease(limit), Lease(limit)], 0
    for tick in range(10 * 400):  # 400 requests a second for 10 s, in turn to both
        now_s, lease = tick / 400, leases[tick % 2]
        if lease.wants(now_s):
            lease.add(shared.grant(limit.lease, now_s), limit.lease, now_s)
        passed += lease.take(now_s)
    assert 50 + 9.5 * 50 <= passed <= 50 + 10 * 50


def test_a_lease_that_is_not_used_is_lost() -> None:
    lease = Lease(Limit(50, 50))
    lease.add(Grant(5, 45.0), 5, 0.0)
    assert lease.take(LEASE_KEPT_S)
    assert not lease.take(LEASE_KEPT_S + 0.01)


def test_an_empty_bucket_is_not_asked_at_every_request() -> None:
    lease = Lease(Limit(50, 50))
    lease.add(Grant(0, 0.5), 5, 10.0)
    assert not lease.wants(10.005)
    assert lease.wants(10.011)
    assert lease.wait_s(10.0) == pytest.approx(0.02)
    assert lease.remaining == 0
