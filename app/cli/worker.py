"""`faust -A app.main worker`: Faust's own command, which is not begun when it lacks what it can't do without."""

from __future__ import annotations

import sys
from typing import Any

import click
from faust.cli import worker as faust_worker

from app.cli.command import WRONG_USE
from app.main import settings


class worker(faust_worker.worker):  # noqa: N801 - the command's name
    """Start the worker."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run until it is stopped; says in one line what is missing, and ends."""
        missing = settings.missing()
        if missing:
            click.UsageError(missing, ctx=self.ctx).show()
            sys.exit(WRONG_USE)
        return super().__call__(*args, **kwargs)
