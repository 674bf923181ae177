"""API keys: made, recognised, rotated, run out; and nothing that is kept gives one away."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.security.caller import ALL_ROLES, Role
from app.security.keys import ApiKey, Verdict, demo_key, id_of, new_key, rotated
from app.security.limits import Limit

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
LIMIT = Limit(50, 100)


def made(expires_at: datetime | None = None) -> tuple[str, ApiKey]:
    return new_key("shop", frozenset({Role.SUPPORT}), LIMIT, NOW, expires_at)


def test_a_key_is_good_and_says_its_id() -> None:
    presented, key = made()
    assert key.verdict(presented, LATER) is Verdict.GOOD
    assert id_of(presented) == key.id
    assert presented not in repr(key)
    assert presented.split("_", 2)[2] not in repr(key)


def test_no_two_keys_are_alike() -> None:
    assert len({made()[0] for _ in range(100)}) == 100


@given(st.text(max_size=80))
def test_anything_else_is_unknown(text: str) -> None:
    presented, key = made()
    assert key.verdict(text, NOW) is Verdict.UNKNOWN
    assert key.verdict(presented[:-1] + chr(ord(presented[-1]) ^ 1), NOW) is Verdict.UNKNOWN


@pytest.mark.parametrize("text", ["", "demo", "ok_", "ok_abc_def", "\udcff", "ok_" + "a" * 12 + "_" + "x" * 43 + "\n"])
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert id_of(text) is None


def test_a_key_runs_out_and_can_be_revoked() -> None:
    presented, key = made(expires_at=LATER)
    assert key.verdict(presented, LATER - timedelta(seconds=1)) is Verdict.GOOD
    assert key.verdict(presented, LATER) is Verdict.EXPIRED
    assert replace(key, revoked_at=NOW).verdict(presented, NOW) is Verdict.REVOKED
    assert replace(key, revoked_at=NOW).verdict("other", NOW) is Verdict.UNKNOWN, "a wrong secret learns nothing"


def test_a_rotated_key_lets_the_old_secret_in_for_a_while() -> None:
    old, key = made()
    new, key = rotated(key, NOW, timedelta(hours=1))
    assert (old != new, id_of(old)) == (True, id_of(new))
    assert key.verdict(new, NOW) is Verdict.GOOD
    assert key.verdict(old, LATER - timedelta(seconds=1)) is Verdict.GOOD
    assert key.verdict(old, LATER) is Verdict.UNKNOWN
    assert key.verdict(new, LATER) is Verdict.GOOD


def test_a_key_that_was_never_rotated_has_no_old_secret() -> None:
    assert made()[1].verdict("", NOW) is Verdict.UNKNOWN


def test_the_key_of_development_may_all() -> None:
    key = demo_key(NOW)
    assert (key.verdict("demo", NOW), key.roles, key.limit) == (Verdict.GOOD, ALL_ROLES, None)
