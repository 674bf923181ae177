"""A token is checked once in a while, and never trusted for longer than it says."""

import time

import jwt
import pytest

from app.security import known_tokens
from app.security.known_tokens import FRESH_S, KnownTokens
from app.security.token_keys import OneKey
from app.security.tokens import BadToken, Expected, VerificationKey, secret_key
from tests.unit.security.test_tokens import SECRET, claims


class Keys:
    """The key for tokens, until it is withdrawn."""

    def __init__(self) -> None:
        self.key: VerificationKey | None = secret_key(SECRET)
        self.asked = 0

    async def find(self, _kid: str | None) -> VerificationKey | None:
        self.asked += 1
        return self.key


async def test_a_token_is_checked_once_in_a_while() -> None:
    keys, now_s = Keys(), time.time()
    token = jwt.encode(claims(exp=int(now_s) + 3600), SECRET, "HS256")
    known = KnownTokens(keys, Expected(), lambda: now_s)
    assert not known.is_at_hand(token)
    assert await known.read(token) == await known.read(token)
    assert (keys.asked, known.is_at_hand(token)) == (1, True)
    now_s += FRESH_S
    assert known.is_at_hand(token), "it was good, and has not expired"
    keys.key = None
    with pytest.raises(BadToken, match="key"):
        await known.read(token)
    assert not known.is_at_hand(token)


async def test_it_is_not_trusted_for_longer_than_it_says() -> None:
    now_s = time.time()
    known = KnownTokens(OneKey(secret_key(SECRET)), Expected(leeway_s=0), lambda: now_s)
    token = jwt.encode(claims(exp=int(now_s) + 5), SECRET, "HS256")
    await known.read(token)
    assert known.is_at_hand(token)
    now_s += 5
    assert not known.is_at_hand(token)


async def test_bad_tokens_and_many_good_ones_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_tokens, "MOST", 10)
    known = KnownTokens(OneKey(secret_key(SECRET)), Expected())
    for number in range(30):
        await known.read(jwt.encode(claims(sub=f"u-{number}"), SECRET, "HS256"))
        with pytest.raises(BadToken):
            await known.read(f"bad-{number}")
    assert len(known._people) == 10


async def test_where_no_tokens_are_taken_none_is_good() -> None:
    with pytest.raises(BadToken):
        await KnownTokens(None, Expected()).read(jwt.encode(claims(), SECRET, "HS256"))
