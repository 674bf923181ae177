"""API keys: what one looks like, what is kept of it, and whether one that is presented is good.

A key is `ok_<id>_<secret>`. The id may be shown and logged; of the secret only a SHA-256 is kept. With 256 random bits
there is nothing to guess, so a slow hash would slow down nobody but us.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from app.security.caller import ALL_ROLES, Role
from app.security.limits import Limit

DEMO: Final = "demo"
"""The key of development: all roles, no limit. Refused in production."""

_FORM: Final = re.compile(r"ok_(?P<id>[a-z2-7]{12})_[A-Za-z0-9_-]{43}")
_NO_DIGEST: Final = "0" * 64


class Verdict(StrEnum):
    """What there is to say of a key that was presented."""

    GOOD = "good"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """What is kept of a key. After a rotation `old_digest` is good as well, until `old_until`. Times are in UTC."""

    id: str
    name: str
    digest: str
    roles: frozenset[Role]
    limit: Limit | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    old_digest: str = ""
    old_until: datetime | None = None
    used_at: datetime | None = None

    def verdict(self, presented: str, now: datetime) -> Verdict:
        """Whether the whole key that was presented is this one, and good. The comparison takes constant time."""
        digest = digest_of(presented)
        is_this = hmac.compare_digest(digest, self.digest)
        is_old = hmac.compare_digest(digest, self.old_digest or _NO_DIGEST)
        if not (is_this or (is_old and self.old_until is not None and now < self.old_until)):
            return Verdict.UNKNOWN
        if self.revoked_at is not None:
            return Verdict.REVOKED
        if self.expires_at is not None and now >= self.expires_at:
            return Verdict.EXPIRED
        return Verdict.GOOD


def id_of(presented: str) -> str | None:
    """The id within a key; None for what can't be a key."""
    form = _FORM.fullmatch(presented)
    return form["id"] if form else None


def digest_of(presented: str) -> str:
    """What is kept of a key: its SHA-256, in hex."""
    return hashlib.sha256(presented.encode(errors="surrogateescape")).hexdigest()


def new_key(
    name: str, roles: frozenset[Role], limit: Limit | None, now: datetime, expires_at: datetime | None
) -> tuple[str, ApiKey]:
    """A key that nobody else has, to be shown once, and what to keep of it."""
    key_id = "".join(secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(12))
    presented = _with_secret(key_id)
    return presented, ApiKey(key_id, name, digest_of(presented), roles, limit, now, expires_at)


def rotated(key: ApiKey, now: datetime, overlap: timedelta) -> tuple[str, ApiKey]:
    """The key with a new secret, to be shown once; the present one stays good for `overlap`."""
    presented = _with_secret(key.id)
    return presented, replace(key, digest=digest_of(presented), old_digest=key.digest, old_until=now + overlap)


def demo_key(now: datetime) -> ApiKey:
    """The key of development."""
    return ApiKey(DEMO, DEMO, digest_of(DEMO), ALL_ROLES, None, now)


def _with_secret(key_id: str) -> str:
    return f"ok_{key_id}_{secrets.token_urlsafe(32)}"
