"""Whose turn it is to rebuild the read model: one document, with a time that only MongoDB's clock decides on."""

from __future__ import annotations

import secrets
from typing import Any, Final

from pymongo import ReturnDocument
from pymongo.errors import DuplicateKeyError

from app.adapters.mongo import Database, Document

COLLECTION: Final = "projection"
CLAIM: Final = "rebuild"

LEASE_S: Final = 10.0
"""How long a claim counts that is not renewed: so long must wait who comes after a rebuild that was killed."""

_COUNTS: Final = {"$gt": ["$until", "$$NOW"]}
_UNTIL: Final = {"$add": ["$$NOW", int(LEASE_S * 1000)]}


class RebuildUnderWay(Exception):
    """Another rebuild has the claim; the text says whose it is."""


class ClaimLost(Exception):
    """The claim was not renewed in time: live writers no longer write to what is being built."""


def built_name(name: str, holder: str) -> str:
    """The collection that the rebuild of `holder` builds, to take the place of `name`."""
    return f"{name}.rebuild-{holder}"


async def holder_now(database: Database) -> str | None:
    """Who rebuilds at this moment. Raises `PyMongoError`."""
    found = await database[COLLECTION].find_one({"_id": CLAIM, "$expr": _COUNTS}, ["holder"])
    return found["holder"] if found else None


class RebuildClaim:
    """The claim of one rebuild. `take` it first, `renew` it more often than `LEASE_S`, and `release` it in the end."""

    def __init__(self, database: Database, by: str) -> None:
        self.holder = secrets.token_hex(4)
        self._claims = database[COLLECTION]
        self._by = by

    async def take(self) -> None:
        """Raises `RebuildUnderWay`, `PyMongoError`."""
        found = await self._take()
        if found["holder"] != self.holder:
            left_s = (found["until"] - found["now"]).total_seconds()
            raise RebuildUnderWay(
                f"{found['by']} rebuilds since {found['since']:%H:%M:%S} UTC; should it be dead, its claim ends in "
                f"{max(1, round(left_s))} s"
            )

    async def renew(self) -> None:
        """Raises `ClaimLost` once the time was over, even if nobody else came; `PyMongoError`."""
        mine = {"_id": CLAIM, "holder": self.holder, "$expr": _COUNTS}
        done = await self._claims.update_one(mine, [{"$set": {"until": _UNTIL}}])
        if not done.matched_count:
            raise ClaimLost("The claim to rebuild was not renewed in time")

    async def release(self) -> None:
        """Raises `PyMongoError`."""
        await self._claims.delete_one({"_id": CLAIM, "holder": self.holder})

    async def _take(self) -> Document:
        mine = {
            "holder": self.holder,
            "by": {"$literal": self._by},
            "since": "$$NOW",
            "until": _UNTIL,
        }
        # A claim that is over, or not there, is below every time.
        taken = {name: {"$cond": [_COUNTS, f"${name}", value]} for name, value in mine.items()}
        update: list[Document] = [{"$set": taken | {"now": "$$NOW"}}]
        while True:
            try:
                found: Any = await self._claims.find_one_and_update(
                    {"_id": CLAIM}, update, upsert=True, return_document=ReturnDocument.AFTER
                )
            except DuplicateKeyError:  # two came to an empty collection at once, and the other was first
                continue
            return dict(found)
