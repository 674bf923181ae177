"""The outcome of a run for people, in Markdown, with the JSON for machines beside it."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tests.chaos.outcome import Outcome
from tests.chaos.pace import Pause, fault_of, longest

Row = tuple[object, ...]


def write(outcome: Outcome, command: str, path: Path) -> None:
    """Write the Markdown to `path`, and the JSON beside it."""
    path.write_text(as_markdown(outcome, command))
    path.with_suffix(".json").write_text(json.dumps(outcome.as_json(), indent=1) + "\n")


def as_markdown(outcome: Outcome, command: str) -> str:
    """The whole report. `command` is what runs it again."""
    return "\n".join(_lines(outcome, command)) + "\n"


def _lines(outcome: Outcome, command: str) -> Iterator[str]:
    yield from ("# Chaos report", "")
    yield f"Three workers, their broker and their database under load and {len(outcome.faults)} faults for"
    yield f"{outcome.minutes:g} minutes; then the audit. `{command}` does it again."
    yield from ("", "## What was promised", "")
    yield from _table(("promise", "broken"), _promises(outcome))
    if outcome.failures:
        yield from ("", *(f"- {it}" for it in outcome.failures))
    yield from ("", "## What was done", "")
    yield from _table(("orders", ""), _orders(outcome))
    yield from ("", "## How long it took", "")
    yield from _table(("", ""), _times(outcome))
    yield from (
        "",
        "## Faults",
        "",
        "An order's pause is put down to the fault that was the last one begun in most of it.",
        "",
    )
    yield from _table(("kind", "times done", "longest pause of an order"), _kinds(outcome))
    yield from ("", "## Answers", "", "Sent to workers that were ready last and were not sent a signal since; repeated")
    yield from ("after 503 or no answer (the worker was killed or stopped meanwhile) until taken.", "")
    yield from _table(("call: answer", "count"), sorted(outcome.answers.items()))
    yield ""
    yield from _table(("503", "count"), outcome.refused.items())
    yield ""
    yield from _table(("slowest answer", "s"), ((call, f"{it:.1f}") for call, it in sorted(outcome.slowest_s.items())))
    yield from ("", "## One by one", "")
    yield from _table(("from, s", "to, s", "what"), ((it.began_s, it.ended_s, it.what) for it in outcome.faults))


def _table(head: Row, rows: Iterable[Row]) -> Iterator[str]:
    for row in (head, ("---",) * len(head), *rows):
        yield f"| {' | '.join(map(str, row))} |"


def _promises(outcome: Outcome) -> Iterator[Row]:
    broken = outcome.broken
    yield "orders taken and lost", len(broken.lost)
    yield "orders taken twice", len(broken.doubled)
    yield "oversold", len(broken.oversold)
    yield "charged twice", len(broken.charged_twice)
    yield "stuck", len(broken.stuck)
    yield f"MongoDB against the log: {sum(outcome.shown.values())} orders, all products", len(broken.projection)
    yield "calls answered against the contract", len(broken.answers)
    yield f"anything else in an audit of {outcome.records} records", len(broken.other)


def _orders(outcome: Outcome) -> Iterator[Row]:
    yield "taken", outcome.orders
    yield "cancels asked for", outcome.cancels
    yield "posted twice", outcome.doubles
    yield from ((f"in the end {status}", count) for status, count in outcome.shown.items())


def _times(outcome: Outcome) -> Iterator[Row]:
    yield "all at rest after the last fault", f"{outcome.rest_s:.1f} s"
    yield "longest pause of all orders", _told(outcome, outcome.pause)
    yield "longest pause of one order", _told(outcome, longest(outcome.order_pauses.values()))
    alone = ", ".join(f"{count} times with exit code {code}" for code, count in sorted(outcome.ended_alone.items()))
    yield "workers that ended by themselves", alone or "none"


def _told(outcome: Outcome, pause: Pause) -> str:
    fault = fault_of(pause, outcome.faults)
    whose = f", order {pause.order_id}" if pause.order_id else ""
    return f"{pause.seconds:.1f} s at {pause.began_s:.0f} s{whose} ({fault.what if fault else 'before any fault'})"


def _kinds(outcome: Outcome) -> Iterator[Row]:
    for kind, count in Counter(it.kind for it in outcome.faults).most_common():
        pause = outcome.order_pauses.get(kind)
        yield kind, count, f"{pause.seconds:.1f} s" if pause else ""
