"""The read model built anew beside the live one, and put in its place without a gap.

Readers know one name of each collection, and `renameCollection` lets them find either the old one or the new one under
it. When it takes place the new one must not be behind: the claim (`rebuild_claim.py`) tells live writers to write to
both, the new one first. A slice that was written before they knew was in the log when the claim was made; so whoever
has filled in the log up to where it ended *after that* may swap at any moment.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final

from pymongo.errors import PyMongoError

from app.adapters.mongo import Database, Document, create
from app.adapters.projection_writes import save_newest
from app.adapters.read_model import INDEXES, ReadModel
from app.adapters.rebuild_claim import LEASE_S, ClaimLost, RebuildClaim, built_name

log: Final = logging.getLogger(__name__)

RENEW_S: Final = LEASE_S / 5
SWAP_LIMIT_MS: Final = int(LEASE_S * 500)
"""A rename that waits longer for its locks is given up: the claim must outlive it."""


class Rebuilding:
    """One rebuild of the collections in `names`. All methods but `begun` need to be within `begun`."""

    def __init__(self, database: Database, names: Sequence[str], by: str) -> None:
        self._database = database
        self._names = names
        self._claim = RebuildClaim(database, by)
        self._lost = False

    @asynccontextmanager
    async def begun(self) -> AsyncIterator[None]:
        """Hold the claim; in the end, however that comes, drop what did not take its place.

        Raises `RebuildUnderWay`, `PyMongoError`.
        """
        await self._claim.take()
        renewing = asyncio.create_task(self._renew())
        try:
            await self._drop_built(".*")
            await ReadModel(self._database).prepare()
            yield
        finally:
            renewing.cancel()
            # What is left here, if MongoDB is away now, is dropped by the next rebuild.
            with suppress(PyMongoError):
                await self._claim.release()
                await self._drop_built(self._claim.holder)

    async def save(self, name: str, documents: Sequence[Document]) -> None:
        """Keep these documents in what is built for `name`. Raises `ClaimLost`, `PyMongoError`."""
        self._check()
        await save_newest(self._database[self._built(name)], documents)

    async def save_live(self, name: str, documents: Sequence[Document]) -> None:
        """Keep these documents in `name` itself. Raises `PyMongoError`."""
        await save_newest(self._database[name], documents)

    async def sizes(self, name: str) -> tuple[int, int]:
        """How many documents are there live, and how many are built. Raises `PyMongoError`."""
        live = await self._database[name].count_documents({})
        return live, await self._database[self._built(name)].count_documents({})

    async def prepare(self, name: str) -> None:
        """Make the indexes, now that all is in: that is quicker. Raises `ClaimLost`, `PyMongoError`."""
        self._check()
        await create(self._database, self._built(name))  # it must be there to be swapped, even without any fact
        if INDEXES[name]:
            await self._database[self._built(name)].create_indexes(INDEXES[name])

    async def keep(self, name: str) -> str:
        """Copy what is live now to another collection, and return its name. Raises `PyMongoError`."""
        kept = f"{name}.before"
        await self._database[name].aggregate([{"$out": kept}]).to_list(None)
        return kept

    async def swap(self, name: str) -> None:
        """Put what is built in the place of `name`, which is gone then. Raises `ClaimLost`, `PyMongoError`."""
        self._check()
        await self._claim.renew()
        await self._database.client.admin.command(
            {
                "renameCollection": f"{self._database.name}.{self._built(name)}",
                "to": f"{self._database.name}.{name}",
                "dropTarget": True,
                "maxTimeMS": SWAP_LIMIT_MS,
            }
        )

    def _built(self, name: str) -> str:
        return built_name(name, self._claim.holder)

    def _check(self) -> None:
        if self._lost:
            raise ClaimLost("The claim to rebuild was not renewed in time")

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEW_S)
            try:
                await self._claim.renew()
            except ClaimLost:
                self._lost = True
                return
            except PyMongoError as error:
                log.warning("the claim to rebuild is not renewed yet: %s", error)

    async def _drop_built(self, holder: str) -> None:
        names = "|".join(re.escape(name) for name in self._names)
        built = re.compile(rf"({names})\.rebuild-{holder}")
        for name in await self._database.list_collection_names():
            if built.fullmatch(name):
                await self._database.drop_collection(name)
