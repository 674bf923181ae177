"""Credentials for the tests: keys in the system's own database, and tokens by the secret of development."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.access_settings import AccessSettings
from app.adapters.api_keys import ApiKeys
from app.security.caller import Role
from app.security.keys import id_of, new_key
from app.security.limits import Limit
from app.security.tokens import Expected, Person, make_token

ACCESS = AccessSettings()


class Keys:
    """Makes and revokes keys as the command does."""

    def __init__(self, store: ApiKeys) -> None:
        self.store = store

    async def make(self, roles: set[Role], limit: Limit | None = None, good_for_s: float | None = None) -> str:
        """A new key, as it is shown once."""
        now = datetime.now(UTC)
        expires_at = None if good_for_s is None else now + timedelta(seconds=good_for_s)
        presented, key = new_key(f"test-{uuid.uuid4().hex}", frozenset(roles), limit, now, expires_at)
        await self.store.add(key)
        return presented

    async def revoke(self, presented: str) -> None:
        """Make the key worthless."""
        key = await self.store.find(str(id_of(presented)))
        assert key is not None
        await self.store.change(replace(key, revoked_at=datetime.now(UTC)))


def bearer(subject: str, *roles: Role, good_for_s: float = 60) -> dict[str, str]:
    """The header with a token for this person."""
    person = Person(subject, frozenset(roles), time.time() + good_for_s)
    return {"Authorization": f"Bearer {make_token(ACCESS.token_secret, person, Expected())}"}
