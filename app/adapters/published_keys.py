"""Fetches what an address publishes as the keys of its tokens (JWKS)."""

from __future__ import annotations

import json
from typing import Final

from aiohttp import ClientError, ClientSession, ClientTimeout

from app.security.known_keys import StoreAway

LARGEST: Final = 256 * 1024
_TIMEOUT: Final = ClientTimeout(total=5.0)


async def fetch_key_set(url: str) -> object:
    """The JSON at `url`. Raises `StoreAway` when there is none."""
    try:
        async with (
            ClientSession(timeout=_TIMEOUT) as session,
            session.get(url, allow_redirects=False) as response,
        ):
            if response.status != 200:
                raise StoreAway(f"the answer was {response.status}")
            content = await response.content.read(LARGEST + 1)
            while len(content) <= LARGEST and (more := await response.content.read(LARGEST + 1)):
                content += more
    except (ClientError, OSError, TimeoutError) as error:
        raise StoreAway(type(error).__name__) from error
    if len(content) > LARGEST:
        raise StoreAway("the answer is too large")
    try:
        return json.loads(content)
    except ValueError as error:
        raise StoreAway("the answer is no JSON") from error
