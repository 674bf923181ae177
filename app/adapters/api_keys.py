"""API keys in MongoDB, without their secrets."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pymongo import ASCENDING
from pymongo.errors import DuplicateKeyError, PyMongoError

from app.adapters.mongo import Collection, Database, Document
from app.security.caller import roles_of
from app.security.keys import ApiKey
from app.security.known_keys import StoreAway
from app.security.limits import Limit


class NameTaken(Exception):
    """Another key has this name."""


class ApiKeys:
    """One document a key, under its id. Every method raises `StoreAway` while MongoDB does not answer."""

    def __init__(self, database: Database) -> None:
        self._keys: Collection = database["api_keys"]

    async def find(self, key_id: str) -> ApiKey | None:
        """The key with this id."""
        with _away():
            document = await self._keys.find_one({"_id": key_id})
        return _key(document) if document else None

    async def named(self, name: str) -> ApiKey | None:
        """The key of this name."""
        with _away():
            document = await self._keys.find_one({"name": name})
        return _key(document) if document else None

    async def all(self) -> list[ApiKey]:
        """All keys, by name."""
        with _away():
            return [_key(document) async for document in self._keys.find().sort("name", ASCENDING)]

    async def add(self, key: ApiKey) -> None:
        """Keep a new key. Raises `NameTaken`."""
        with _away():
            await self._keys.create_index("name", unique=True)
            try:
                await self._keys.insert_one(_document(key))
            except DuplicateKeyError as error:
                raise NameTaken(key.name) from error

    async def change(self, key: ApiKey) -> None:
        """Keep what a key has become; when it was last used stays as it is."""
        changed = {name: value for name, value in _document(key).items() if name not in ("_id", "usedAt")}
        with _away():
            await self._keys.update_one({"_id": key.id}, {"$set": changed})

    async def note_use(self, key_id: str, at: datetime) -> None:
        """Keep when the key was last used."""
        with _away():
            await self._keys.update_one({"_id": key_id}, {"$max": {"usedAt": at}})


@contextmanager
def _away() -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        raise StoreAway from error


def _document(key: ApiKey) -> Document:
    return {
        "_id": key.id,
        "name": key.name,
        "digest": key.digest,
        "roles": sorted(key.roles),
        "ratePerS": key.limit.rate_per_s if key.limit else None,
        "burst": key.limit.burst if key.limit else None,
        "createdAt": key.created_at,
        "expiresAt": key.expires_at,
        "revokedAt": key.revoked_at,
        "oldDigest": key.old_digest,
        "oldUntil": key.old_until,
        "usedAt": key.used_at,
    }


def _key(document: Document) -> ApiKey:
    rate_per_s: Any = document["ratePerS"]
    return ApiKey(
        id=document["_id"],
        name=document["name"],
        digest=document["digest"],
        roles=roles_of(document["roles"]),
        limit=Limit(rate_per_s, document["burst"]) if rate_per_s else None,
        created_at=document["createdAt"],
        expires_at=document["expiresAt"],
        revoked_at=document["revokedAt"],
        old_digest=document["oldDigest"],
        old_until=document["oldUntil"],
        used_at=document["usedAt"],
    )
