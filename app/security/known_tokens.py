"""Tokens that were checked lately: to check a signature costs more than all else that a request does."""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from app.security.token_keys import TokenKeys
from app.security.tokens import BadToken, Expected, Person, kid_of, read_token

FRESH_S: Final = 30.0
"""A key that was withdrawn is so long still trusted for tokens that were seen before."""
MOST: Final = 10_000
"""Tokens; beyond, the one that was checked longest ago goes."""


class KnownTokens:
    """Checks tokens by `keys`, which is None where none are taken. `clock` gives seconds since 1970."""

    def __init__(self, keys: TokenKeys | None, expected: Expected, clock: Callable[[], float] = time.time) -> None:
        self._keys = keys
        self._expected = expected
        self._clock = clock
        self._people: OrderedDict[bytes, tuple[Person, float]] = OrderedDict()

    def is_at_hand(self, token: str) -> bool:
        """Whether this token was found to be good, and has not expired: it need not have been checked just now."""
        found = self._people.get(_digest(token))
        return found is not None and self._clock() < found[0].expires_at_s

    async def read(self, token: str) -> Person:
        """Who the token speaks of. Raises `BadToken`, or `StoreAway` when its key can't be had."""
        if self._keys is None:
            raise BadToken("no tokens are taken here")
        digest = _digest(token)
        person = self._known(digest)
        if person is not None:
            return person
        try:
            key = await self._keys.find(kid_of(token))
            if key is None:
                raise BadToken("its key is not known")
            person = read_token(token, key, self._expected)
        except BadToken:
            self._people.pop(digest, None)
            raise
        self._people[digest] = (person, min(self._clock() + FRESH_S, person.expires_at_s))
        self._people.move_to_end(digest)
        if len(self._people) > MOST:
            self._people.popitem(last=False)
        return person

    def _known(self, digest: bytes) -> Person | None:
        found = self._people.get(digest)
        if found is None:
            return None
        person, until_s = found
        return person if self._clock() < until_s else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
