"""`projection rebuild`: what people query, made anew from Kafka."""

from __future__ import annotations

import os
import socket
from dataclasses import asdict
from functools import partial
from typing import Final

import click
from faust.cli import argument, option
from pymongo.errors import PyMongoError

from app.adapters import mongo
from app.adapters.kafka_log import KafkaLog, LogUnreadable
from app.adapters.rebuild_claim import ClaimLost, RebuildUnderWay
from app.adapters.rebuilding import Rebuilding
from app.cli.api import Failure
from app.cli.command import AS_JSON, DONE, ClientCommand
from app.cli.output import Column, Output, bar
from app.main import app, settings
from app.projection.documents import PARTS
from app.projection.rebuild import FewerDocuments, Rebuild, Rebuilt

COLUMNS: Final = (
    Column("collection"),
    *(Column(title, number=True) for title in ("facts read", "documents before", "after")),
    Column("kept as"),
)


@app.command(
    argument("action", type=click.Choice(["rebuild"])),
    option("--keep", is_flag=True, show_default=False, help="Leave a copy of what was, as orders.before and so on."),
    option(
        "--fewer", is_flag=True, show_default=False, help="Go on although the log tells of less than MongoDB shows."
    ),
    AS_JSON,
    base=ClientCommand,
)
async def projection(self: ClientCommand, action: str, keep: bool, fewer: bool) -> int:
    """Rebuild what people query from Kafka.

    All orders and products are written anew beside those that are shown, and then put in their place in one step:
    readers notice nothing, and the workers go on. It may be broken off at any moment and begun again.
    """
    assert action == "rebuild", "click lets no other through"
    missing = settings.missing()
    if missing:
        raise click.UsageError(missing)
    try:
        rebuilt = await _rebuild(self.out, keep, fewer)
    except RebuildUnderWay as error:
        raise Failure(f"Another rebuild is under way: {error}") from error
    except ClaimLost as error:
        raise Failure(f"{error}; nothing is lost: begin again") from error
    except FewerDocuments as error:
        raise Failure(f"{error}; if that is right, say --fewer") from error
    except LogUnreadable as error:
        raise Failure(f"Kafka's log can't be read: {error}") from error
    except PyMongoError as error:
        raise Failure(f"MongoDB does not do it: {error}") from error
    show(self.out, rebuilt)
    return DONE


async def _rebuild(out: Output, keep: bool, fewer: bool) -> list[Rebuilt]:
    database = mongo.database(settings.mongo_url, settings.mongo_database)
    log = KafkaLog(settings.bootstrap, settings.app_id, app.security)
    by = f"{socket.gethostname()}, process {os.getpid()}"
    rebuilding = Rebuilding(database, [part.collection for part in PARTS], by)
    try:
        with out.progress() as progress:
            return await Rebuild(log, rebuilding, partial(bar, progress)).run(keep=keep, fewer=fewer)
    finally:
        log.close()
        database.client.close()


def show(out: Output, rebuilt: list[Rebuilt]) -> None:
    """Print what was done."""
    if out.as_json:
        out.json([asdict(it) for it in rebuilt])
        return
    out.table("Rebuilt", COLUMNS, [(it.collection, it.facts, it.before, it.after, it.kept) for it in rebuilt])
    for it in rebuilt:
        if it.cut:
            out.warn(f"{it.cut} facts were cut from the log of {it.collection}: what only they told is not shown.")
