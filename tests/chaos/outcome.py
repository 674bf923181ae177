"""What a run came to, for machines and for people."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.chaos.faults import Done


@dataclass(frozen=True)
class Outcome:
    """Numbers of one run; times in seconds. `failures` is empty when all that was promised was kept."""

    seed: int
    minutes: float
    faults: list[Done]
    orders: int
    cancels: int
    doubles: int
    ended: dict[str, int]
    lost: list[str]
    doubled: list[str]
    oversold: list[str]
    charged_twice: list[str]
    stuck: list[str]
    other: list[str]
    answers: dict[str, int]
    ended_alone: dict[int, int]
    longest_pause_s: float
    longest_pause_at_s: float
    rest_s: float
    records: int

    @property
    def failures(self) -> list[str]:
        """Everything that went wrong."""
        return [
            *(f"lost: {it}" for it in self.lost),
            *(f"doubled: {it}" for it in self.doubled),
            *(f"oversold: {it}" for it in self.oversold),
            *(f"charged twice: {it}" for it in self.charged_twice),
            *(f"stuck: {it}" for it in self.stuck),
            *self.other,
        ]

    def as_json(self) -> dict[str, Any]:
        """The report for machines."""
        return asdict(self) | {"faults": [it._asdict() for it in self.faults], "failures": self.failures}

    def as_markdown(self) -> str:
        """The report for people."""
        return "\n".join(self._lines()) + "\n"

    def write(self, path: Path) -> None:
        """Write the Markdown to `path`, and the JSON beside it."""
        path.write_text(self.as_markdown())
        path.with_suffix(".json").write_text(json.dumps(self.as_json(), indent=1) + "\n")

    def _lines(self) -> Iterator[str]:
        yield from ("# Chaos report", "")
        yield f"Three workers under load for {self.minutes:g} minutes, {len(self.faults)} faults; then the audit."
        yield f"`python -m tests.chaos --minutes {self.minutes:g} --seed {self.seed}` does it again."
        yield from ("", "| | |", "| --- | --- |")
        for name, value in self._numbers():
            yield f"| {name} | {value} |"
        if self.failures:
            yield from ("", "## What went wrong", "", *(f"- {it}" for it in self.failures))
        yield from ("", "## Answers", "", "| answer | count |", "| --- | --- |")
        yield from (f"| {answer} | {count} |" for answer, count in sorted(self.answers.items()))
        yield from ("", "`none` is a connection to a worker that was down at that time.")
        yield from ("", "## Faults", "", "| kind | count |", "| --- | --- |")
        yield from (f"| {kind} | {count} |" for kind, count in Counter(it.kind for it in self.faults).most_common())
        yield from ("", "| from, s | to, s | what |", "| --- | --- | --- |")
        yield from (f"| {it.began_s} | {it.ended_s} | {it.what} |" for it in self.faults)

    def _numbers(self) -> Iterator[tuple[str, object]]:
        yield "orders placed", self.orders
        yield "cancels asked for", self.cancels
        yield "posted twice", self.doubles
        yield from ((f"ended {status}", count) for status, count in self.ended.items())
        yield "lost", len(self.lost)
        yield "doubled", len(self.doubled)
        yield "oversold", len(self.oversold)
        yield "charged twice", len(self.charged_twice)
        yield "stuck", len(self.stuck)
        yield "other breaches", len(self.other)
        yield "records audited", self.records
        yield "longest pause", f"{self.longest_pause_s:.1f} s, at {self.longest_pause_at_s:.0f} s"
        yield "at rest after the last fault", f"{self.rest_s:.1f} s"
        yield "workers that ended by themselves, by exit code", self.ended_alone or "none"
