"""The one place that knows how MongoDB is reached."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, TypeAlias, TypeVar

from motor.motor_asyncio import AsyncIOMotorClient, AsyncIOMotorCollection, AsyncIOMotorDatabase
from pymongo.errors import CollectionInvalid, OperationFailure
from pymongo.monitoring import CommandListener

Document: TypeAlias = dict[str, Any]
Collection: TypeAlias = "AsyncIOMotorCollection[Document]"
Database: TypeAlias = "AsyncIOMotorDatabase[Document]"

P = ParamSpec("P")
T = TypeVar("T")

DUPLICATE_KEY: Final = 11000
NAMESPACE_EXISTS: Final = 48
QUERY_PLAN_KILLED: Final = 175

AWAY_AFTER_MS: Final = 2000
"""How long an operation looks for a server before it says that there is none."""


def database(url: str, name: str, *listeners: CommandListener) -> Database:
    """The database `name` at `url`. Connects with the first operation; `listeners` are told of each command."""
    client: AsyncIOMotorClient[Document] = AsyncIOMotorClient(
        url,
        serverSelectionTimeoutMS=AWAY_AFTER_MS,
        connectTimeoutMS=AWAY_AFTER_MS,
        tz_aware=True,
        event_listeners=listeners,
    )
    return client[name]


async def create(database: Database, name: str, **options: Any) -> None:
    """Make this collection, or view, unless it is there. Raises `PyMongoError`."""
    try:
        await database.command("create", name, **options)
    except (CollectionInvalid, OperationFailure) as error:
        if getattr(error, "code", None) != NAMESPACE_EXISTS:
            raise


def steady(read: Callable[P, Awaitable[T]]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Read again when a rebuild has put another collection in the place of the one that was being read."""

    @wraps(read)
    async def again(*args: P.args, **kwargs: P.kwargs) -> T:
        while True:
            try:
                return await read(*args, **kwargs)
            except OperationFailure as error:
                if error.code != QUERY_PLAN_KILLED:
                    raise

    return again
