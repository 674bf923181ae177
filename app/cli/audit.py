"""`audit`: whether log, tables, MongoDB and ledgers tell the same story."""

from __future__ import annotations

from functools import partial
from typing import Final

import click
from faust.cli import option
from pymongo.errors import PyMongoError

from app.adapters.kafka_log import KafkaLog, LogUnreadable
from app.audit.report import Difference, Report
from app.audit.run import Audit
from app.audit.stores import MongoStores
from app.cli.api import Failure
from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.live_rows import LiveRows
from app.cli.output import Cell, Column, Output, bar
from app.main import app, settings

IDS_SHOWN: Final = 5


@app.command(
    option("--propose", is_flag=True, show_default=False, help="Say of each difference what would mend it."),
    option("--live", is_flag=True, show_default=False, help="Look into the memory of the workers, too (see --url)."),
    *CONNECTION,
    base=HttpCommand,
)
async def audit(self: HttpCommand, propose: bool, live: bool) -> int:
    """Compare the log, the tables, MongoDB and the ledgers.

    Decides every message of Kafka's log once more, and lists what differs in the workers' tables, in MongoDB and in the
    ledgers of the gateway and the carrier. It only reads, and the workers may go on meanwhile: what is in flight is
    told apart. The exit code is 1 when anything differs.
    """
    missing = settings.missing()
    if missing:
        raise click.UsageError(missing)
    try:
        async with self.api() as api:
            report = await _read(self.out, LiveRows(api) if live else None)
    except LogUnreadable as error:
        raise Failure(f"Kafka's log can't be read: {error}") from error
    except PyMongoError as error:
        raise Failure(f"MongoDB can't be read: {error}") from error
    if self.out.as_json:
        self.out.json(report.as_json())
    else:
        show(self.out, report, propose)
    return DONE if report.clean else FAILED


async def _read(out: Output, memory: LiveRows | None) -> Report:
    log, stores = (
        KafkaLog(settings.bootstrap, settings.app_id, app.security),
        MongoStores(settings.mongo_url, settings.mongo_database),
    )
    try:
        with out.progress() as progress:
            return await Audit(log, stores, partial(bar, progress), memory).run()
    finally:
        log.close()
        stores.close()


def show(out: Output, report: Report, propose: bool) -> None:
    """Print the report for people."""
    out.table("How far it looked", _REACH, _reach(report))
    out.table("", (Column(), Column(number=True)), _counts(report))
    for what in report.not_judged:
        out.warn(f"Not judged: {what}")
    if report.clean:
        out.line("Everything that could be judged agrees.")
        return
    columns = (Column("difference"), Column("where"), Column("what"), Column("orders"), Column("products"))
    more = (Column("what would mend it"),) if propose else ()
    rows = [_cells(it)[: len(columns) + len(more)] for it in report.differences]
    out.table("Differences", columns + more, rows)


_REACH: Final = (
    Column("topic"),
    *(Column(title, number=True) for title in ("partitions", "records", "not committed", "cut by retention")),
)


def _reach(report: Report) -> list[list[Cell]]:
    topics = dict.fromkeys(it.topic for it in report.reach)
    return [
        [
            topic,
            len(parts := [it for it in report.reach if it.topic == topic]),
            sum(it.end - it.low for it in parts),
            sum(max(0, it.end - max(it.committed, it.low)) for it in parts),
            sum(it.low for it in parts),
        ]
        for topic in topics
    ]


def _counts(report: Report) -> list[tuple[str, Cell]]:
    in_flight = ", ".join(report.in_flight[:IDS_SHOWN])
    return [
        ("orders", report.orders),
        *((f"at rest: {status}", count) for status, count in sorted(report.ended.items())),
        ("in flight", f"{len(report.in_flight)} ({in_flight}…)" if report.in_flight else 0),
        *((f"rows of {table}", count) for table, count in report.rows.items()),
        *((f"owed, minor units of {currency}", owed) for currency, owed in report.owed.items()),
        *((f"taken, minor units of {currency}", taken) for currency, taken in report.taken.items()),
        ("differences", len(report.differences)),
    ]


def _cells(it: Difference) -> tuple[Cell, ...]:
    return it.kind.value, it.subject, it.detail, ", ".join(it.orders), ", ".join(it.products), it.mend
