"""`load`: many orders at a steady rate, followed until all are at rest."""

from __future__ import annotations

import re
from typing import Any, Final

import click
from faust.cli import option

from app.cli.api import Api, Failure
from app.cli.catalogue import CATALOGUE
from app.cli.command import CONNECTION, DONE, FAILED, HttpCommand
from app.cli.load_plan import LoadOptions
from app.cli.load_report import lines, summary
from app.cli.load_run import FOLLOWERS, LoadRun
from app.cli.output import Column
from app.cli.ranges import EVENTS_A_SECOND, SECONDS, SHARE, FiniteRange
from app.main import app
from schemas.values import MAX_LINES

UNSETTLED_SHOWN: Final = 10
_RANGE: Final = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_RATE: Final = FiniteRange(0, EVENTS_A_SECOND)


class RangeType(click.ParamType):
    """`FEWEST-MOST` or one number, from 1 to 100."""

    name = "FEWEST-MOST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """The two ends; `BadParameter` when they are none."""
        if isinstance(value, tuple):
            return value
        ends = _RANGE.fullmatch(str(value))
        if ends is None:
            self.fail(f"{value!r} is not FEWEST-MOST, such as 1-5", param, ctx)
        fewest, most = int(ends[1]), int(ends[2] or ends[1])
        if not 1 <= fewest <= most <= MAX_LINES:
            self.fail(f"an order has from 1 to {MAX_LINES} lines", param, ctx)
        return fewest, most


class NamesType(click.ParamType):
    """Names, parted by commas."""

    name = "A,B,C"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, each once; `BadParameter` when there is none."""
        if isinstance(value, tuple):
            return value
        names = tuple(dict.fromkeys(name.strip() for name in str(value).split(",") if name.strip()))
        if not names:
            self.fail("at least one is needed", param, ctx)
        return names


@app.command(
    option("--orders", type=click.IntRange(min=1), default=100, help="How many."),
    option("--rate", "rate_per_s", type=_RATE, default=0.0, help="Orders a second; 0: all it takes."),
    option("--products", type=NamesType(), help="To choose from.  [default: the demo catalogue]"),
    option("--lines", "line_counts", type=RangeType(), default="1-5", help="Products of an order."),
    option("--cancel-share", type=SHARE, default=0.0, help="Share of the orders, 0 to 1, that are cancelled."),
    option("--double-share", type=SHARE, default=0.0, help="Share of the orders that are posted twice at once."),
    option("--concurrency", type=click.IntRange(1, 1000), default=64, help="Orders being posted at once, at most."),
    option("--seed", type=int, help="Makes the same choices again."),
    option("--timeout", "timeout_s", type=SECONDS, default=60.0, help="Seconds without progress to give up after."),
    *CONNECTION,
    base=HttpCommand,
)
async def load(
    self: HttpCommand, products: tuple[str, ...] | None, line_counts: tuple[int, int], **options: Any
) -> int:
    """Place many orders, and say how they fared.

    Orders are placed when they are due, however long the earlier ones take, and are followed until they are at rest;
    times count from when an order was due until this client sees it at rest. Calls that a worker has no time for are
    repeated with the same order id. The exit code is 0 when every order was placed and came to rest.
    """
    chosen = products or tuple(product.product_id for product in CATALOGUE)
    choices = LoadOptions(products=chosen, lines=line_counts, **options)
    with self.out.progress() as progress:
        placed = progress.add_task("Placed ", total=choices.orders)
        at_rest = progress.add_task("At rest", total=choices.orders)
        async with self.api(connections=choices.concurrency * 2 + FOLLOWERS) as api:
            await check_ready(api)
            run = LoadRun(api, choices, lambda: progress.advance(placed), lambda: progress.advance(at_rest))
            tally = await run.run()
    if self.out.as_json:
        self.out.json(summary(tally))
    else:
        self.out.table("", (Column(), Column(number=True)), lines(tally))
    if tally.unsettled:
        shown = ", ".join(tally.unsettled[:UNSETTLED_SHOWN])
        self.out.error(f"{len(tally.unsettled)} orders are not at rest, such as {shown}")
    return DONE if tally.good else FAILED


async def check_ready(api: Api) -> None:
    """See that a worker takes orders before many are sent. Raises `Failure`."""
    reply = await api.call("GET", "/health/ready")
    if not reply.ok:
        raise Failure(f"The worker can't take orders now: {reply.told('status') or reply.problem}")
