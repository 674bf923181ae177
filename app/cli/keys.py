"""`keys create|list|limit|rotate|revoke`: who may call, and how often. Speaks to MongoDB itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click
from faust.cli import argument, option

from app.adapters import mongo
from app.adapters.api_keys import ApiKeys, NameTaken
from app.cli.api import Failure
from app.cli.command import AS_JSON, DONE, ClientCommand
from app.cli.output import Cell, Column
from app.cli.ranges import EVENTS_A_SECOND, LONGEST_DAYS, FiniteRange
from app.main import app, settings
from app.security.caller import Role
from app.security.keys import ApiKey, new_key, rotated
from app.security.known_keys import StoreAway
from app.security.limits import Limit

DEFAULT_LIMIT: Final = Limit(100, 200)
LONGEST_NAME: Final = 64
_RATE: Final = FiniteRange(0.001, EVENTS_A_SECOND)
_HOURS: Final = FiniteRange(0, LONGEST_DAYS * 24)
COLUMNS: Final = tuple(
    map(Column, ("name", "id", "roles", "limit", "state", "made", "expires", "last used"))
)  # fmt: skip


@app.command(
    argument("action", type=click.Choice(["create", "list", "limit", "rotate", "revoke"])),
    argument("name", required=False),
    option(
        "--role",
        "roles",
        type=click.Choice([role.value for role in Role]),
        multiple=True,
        help="A role of its own; several are taken.",
    ),
    option("--rate", type=_RATE, help="Requests a second, on the average.  [default: 100]"),
    option("--burst", type=click.IntRange(1, 2 * EVENTS_A_SECOND), help="Requests at once.  [default: twice the rate]"),
    option("--unlimited", is_flag=True, show_default=False, help="No limit."),
    option("--days", type=FiniteRange(0.001, LONGEST_DAYS), help="A new key expires after so many days."),
    option("--overlap-hours", type=_HOURS, default=24.0, help="A rotated key's old secret stays so long."),
    AS_JSON,
    base=ClientCommand,
)
async def keys(self: ClientCommand, action: str, name: str | None, **options: Any) -> int:
    """Make, list, limit, rotate and revoke API keys.

    A key is shown once, when it is made or rotated: only a hash of it is kept. Without a role it needs a token that
    names a person. All workers know of a change within seconds.
    """
    if not settings.mongo_url:
        raise click.UsageError("MONGO_URL is not set. Set it to the workers' MongoDB; `make run` prints its own.")
    if (name is None) != (action == "list"):
        raise click.UsageError("Say the key's name." if name is None else "list takes no name.")
    store = ApiKeys(mongo.database(settings.mongo_url, settings.mongo_database))
    try:
        if name is None:
            _show(self, await store.all())
        else:
            await _DEEDS[action](self, store, name, options)
    except StoreAway:
        raise Failure("MongoDB does not answer") from None
    return DONE


async def _create(self: ClientCommand, store: ApiKeys, name: str, options: dict[str, Any]) -> None:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        raise click.UsageError(f"A name has 1 to {LONGEST_NAME} characters that can be printed.")
    now = datetime.now(UTC)
    expires_at = None if options["days"] is None else now + timedelta(days=options["days"])
    limit = _limit(options) or (None if options["unlimited"] else DEFAULT_LIMIT)
    presented, key = new_key(name, frozenset(map(Role, options["roles"])), limit, now, expires_at)
    try:
        await store.add(key)
    except NameTaken:
        raise Failure(f"There is a key {name!r} already: rotate it, or take another name") from None
    _show_once(self, key, presented)


async def _limit_to(self: ClientCommand, store: ApiKeys, name: str, options: dict[str, Any]) -> None:
    limit = _limit(options)
    if limit is None and not options["unlimited"]:
        raise click.UsageError("Say --rate, or --unlimited.")
    key = replace(await _named(store, name), limit=limit)
    await store.change(key)
    _show(self, [key])


async def _rotate(self: ClientCommand, store: ApiKeys, name: str, options: dict[str, Any]) -> None:
    key = await _named(store, name)
    if key.revoked_at is not None:
        raise Failure(f"{name!r} was revoked: make another key")
    presented, key = rotated(key, datetime.now(UTC), timedelta(hours=options["overlap_hours"]))
    await store.change(key)
    _show_once(self, key, presented)


async def _revoke(self: ClientCommand, store: ApiKeys, name: str, _options: dict[str, Any]) -> None:
    key = await _named(store, name)
    key = replace(key, revoked_at=key.revoked_at or datetime.now(UTC))
    await store.change(key)
    _show(self, [key])


_DEEDS: Final[dict[str, Callable[[ClientCommand, ApiKeys, str, dict[str, Any]], Awaitable[None]]]] = {
    "create": _create,
    "limit": _limit_to,
    "rotate": _rotate,
    "revoke": _revoke,
}


async def _named(store: ApiKeys, name: str) -> ApiKey:
    key = await store.named(name)
    if key is None:
        raise Failure(f"There is no key {name!r}")
    return key


def _limit(options: dict[str, Any]) -> Limit | None:
    """The limit that the options give, if they give one."""
    rate_per_s, burst = options["rate"], options["burst"]
    if rate_per_s is None and burst is None:
        return None
    if rate_per_s is None or options["unlimited"]:
        raise click.UsageError("--burst goes with --rate, and neither with --unlimited.")
    return Limit(rate_per_s, burst or max(1, int(2 * rate_per_s)))


def _show_once(self: ClientCommand, key: ApiKey, presented: str) -> None:
    if self.out.as_json:
        self.out.json({**_told(key, datetime.now(UTC)), "key": presented})
        return
    self.out.line(presented)
    self.out.warn(f"This is the key {key.name!r}. It is not shown again.")


def _show(self: ClientCommand, found: list[ApiKey]) -> None:
    told = [_told(key, datetime.now(UTC)) for key in found]
    if self.out.as_json:
        self.out.json(told)
    else:
        self.out.table("Keys", COLUMNS, [list(it.values()) for it in told])


def _told(key: ApiKey, now: datetime) -> dict[str, Cell]:
    """What may be told of a key, by the columns' order."""
    state = "revoked" if key.revoked_at else "expired" if key.expires_at and key.expires_at <= now else "good"
    if state == "good" and key.old_until and key.old_until > now:
        state = f"good, old secret until {_moment(key.old_until)}"
    limit = f"{key.limit.rate_per_s:g}/s, {key.limit.burst} at once" if key.limit else None
    return {
        "name": key.name,
        "id": key.id,
        "roles": " ".join(sorted(key.roles)),
        "limit": limit,
        "state": state,
        "made": _moment(key.created_at),
        "expires": _moment(key.expires_at),
        "lastUsed": _moment(key.used_at),
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
