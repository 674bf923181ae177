"""What commands print: tables for people or JSON for machines on stdout, all else on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Final, Literal, NamedTuple

import orjson
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_WIDTH_IN_A_PIPE: Final = 200

Cell = str | int | float | None


class Column(NamedTuple):
    """A column of a table; numbers stand on the right, and what is copied is kept `whole`, however narrow the terminal.

    A table without any titles has no head.
    """

    title: str = ""
    number: bool = False
    whole: bool = False


class Output:
    """Where a command's results go."""

    def __init__(self, as_json: bool) -> None:
        self.as_json = as_json
        self._stdout = _console(stderr=False)
        self._stderr = _console(stderr=True)

    def json(self, value: Any) -> None:
        """Print one JSON document."""
        self._stdout.out(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode(), highlight=False)

    def table(self, title: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
        """Print a table; an empty cell stands for None."""
        shown = Table(
            title=Text(title), title_justify="left", show_edge=False, show_header=any(it.title for it in columns)
        )
        for column in columns:
            justify: Literal["left", "right"] = "right" if column.number else "left"
            shown.add_column(Text(column.title), justify=justify, overflow="fold", no_wrap=column.whole)
        for row in rows:
            shown.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
        self._stdout.print(shown)

    def line(self, text: str) -> None:
        """Print a line for people; machines are spared it."""
        if not self.as_json:
            self._stdout.print(Text(text), soft_wrap=True)

    def warn(self, text: str) -> None:
        """Print a line to stderr."""
        self._stderr.print(Text(text), soft_wrap=True)

    def error(self, text: str) -> None:
        """Print, in one line to stderr, why the command failed."""
        self.warn(f"Error: {' '.join(text.split())}")

    def progress(self) -> Progress:
        """Bars on stderr; in a pipe only their last state is printed, and with JSON nothing."""
        return Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._stderr,
            disable=self.as_json,
        )


def bar(progress: Progress, title: str, total: int) -> Callable[[int], None]:
    """One more bar; gives back what moves it on."""
    made = progress.add_task(title, total=total)
    return lambda count: progress.advance(made, count)


def _console(stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _WIDTH_IN_A_PIPE
    return console
