"""Who fails too often has to wait; others do not."""

import pytest

from app.security import failures
from app.security.failures import Failures, network_of, sender
from tests.unit.clock import Clock


def test_an_address_may_fail_so_often_and_then_waits() -> None:
    clock = Clock()
    counted = Failures(60, clock)
    for _ in range(60):
        assert counted.wait_s("192.0.2.1") == 0
        counted.count("192.0.2.1")
    assert 0 < counted.wait_s("192.0.2.1") <= 1
    assert counted.wait_s("192.0.2.2") == 0
    clock.now_s = 1.0
    assert counted.wait_s("192.0.2.1") == 0


def test_a_client_does_not_get_around_it_by_another_address_of_its_network() -> None:
    assert network_of("2001:db8:1:2::7") == network_of("2001:db8:1:2:ffff::") != network_of("2001:db8:1:3::7")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("") == ""


def test_many_addresses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST", 10)
    counted = Failures(60)
    for number in range(100):
        counted.count(f"192.0.2.{number}")
    assert len(counted._buckets) == 10


@pytest.mark.parametrize(
    ("forwarded_for", "proxies", "expected"),
    [
        ("", 0, "peer"),
        ("made-up", 0, "peer"),
        ("made-up, 192.0.2.1", 1, "192.0.2.1"),
        ("made-up, 192.0.2.1, 10.0.0.1", 2, "192.0.2.1"),
        ("192.0.2.1", 2, "192.0.2.1"),
        (" , ", 1, "peer"),
        ("192.0.2.1:4711", 1, "192.0.2.1"),
        ("[2001:db8::1]:4711", 1, "2001:db8::1"),
        ("[2001:db8::1]", 1, "2001:db8::1"),
        ("2001:db8::1", 1, "2001:db8::1"),
        ("::1", 1, "::1"),
        ("[]:1", 1, "[]:1"),
    ],
)
def test_who_sent_it_is_what_our_own_proxies_say(forwarded_for: str, proxies: int, expected: str) -> None:
    assert sender("peer", forwarded_for, proxies) == expected
