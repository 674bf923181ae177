"""`faust -A app.main worker`: Faust's own command, which is not begun when it lacks what it can't do without."""

from __future__ import annotations

import logging
import logging.config
import sys
from typing import Any

import click
import faust
from faust.cli import worker as faust_worker
from mode import Worker

from app.cli.command import WRONG_USE
from app.main import access, settings

log = logging.getLogger(__name__)


class worker(faust_worker.worker):  # noqa: N801 - the command's name
    """Start the worker."""

    def on_worker_created(self, worker: Worker) -> None:
        """Say what starts, in the form of all lines: Faust's banner is for people, and its spinner for terminals."""
        assert isinstance(worker, faust.Worker)
        worker.spinner = None
        if settings.log_format == "text" or (settings.log_format == "auto" and sys.stdout.isatty()):
            super().on_worker_created(worker)
            return
        logging.config.dictConfig(dict(self.app.conf.logging_config))
        about = ", ".join(f"{name.strip()} {told}" for name, told in self._banner_data(worker))
        log.info("the worker starts: %s", about)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run until it is stopped; says in one line what is missing, and ends."""
        missing = settings.missing() or access.unsafe(settings.host, settings.url)
        if missing:
            click.UsageError(missing, ctx=self.ctx).show()
            sys.exit(WRONG_USE)
        return super().__call__(*args, **kwargs)
