"""The keys that tokens are checked with: one that was set, or those that an address publishes (JWKS)."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from app.security.known_keys import StoreAway
from app.security.tokens import BadKey, VerificationKey, key_set

log: Final = logging.getLogger(__name__)

REFRESHED_S: Final = 600.0
"""Keys older than this are fetched anew, beside the request that sees it."""
LEAST_PAUSE_S: Final = 10.0
"""Tokens with made-up key ids must not make us call the address all the time."""
PATIENCE_S: Final = 5.0


class TokenKeys(Protocol):
    """Where keys for tokens are found."""

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key of this id; for a token that names none, the only one there is. Raises `StoreAway`."""


class OneKey:
    """A key that was set; whatever a token calls it."""

    def __init__(self, key: VerificationKey) -> None:
        self._key = key

    async def find(self, _kid: str | None) -> VerificationKey | None:
        """The key."""
        return self._key


class PublishedKeys:
    """The keys that `fetch` gives, a JWK set. The last good ones stay usable when it fails.

    `fetch` raises `StoreAway`, and `clock` gives seconds that only go forward.
    """

    def __init__(self, fetch: Callable[[], Awaitable[object]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, VerificationKey] = {}
        self._good_at_s = -REFRESHED_S
        self._tried_at_s = -REFRESHED_S
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str | None) -> VerificationKey | None:
        """The key of this id, fetched if it is not known. Raises `StoreAway`: nobody can say whether there is one."""
        key = self._known(kid)
        now_s = self._clock()
        if key is None and (self._is_fetching() or now_s - self._tried_at_s >= LEAST_PAUSE_S):
            await asyncio.shield(self._fetched())
            key = self._known(kid)
        elif now_s - self._good_at_s >= REFRESHED_S and now_s - self._tried_at_s >= LEAST_PAUSE_S:
            self._fetched()
        if key is None and self._good_at_s < self._tried_at_s:
            raise StoreAway
        return key

    def _known(self, kid: str | None) -> VerificationKey | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _is_fetching(self) -> bool:
        return self._fetching is not None and not self._fetching.done()

    def _fetched(self) -> asyncio.Task[None]:
        if self._fetching is None or self._fetching.done():
            self._tried_at_s = self._clock()
            self._fetching = asyncio.create_task(self._refresh())
        return self._fetching

    async def _refresh(self) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                self._keys = key_set(await self._fetch())
            self._good_at_s = self._tried_at_s
        except (StoreAway, TimeoutError, BadKey) as error:
            log.warning("the keys for tokens can't be fetched now, the last good ones stay: %r", error)
